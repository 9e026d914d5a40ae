import { describe, expect, it } from "vitest";
import { planAliasMove } from "../../../src/domain/models/alias-move.ts";

const MOVE = { actor: "marta", reason: "better", at: "2026-01-02T03:04:05.000Z" };
const V1 = { name: "log-linear", version: 1 };
const V2 = { name: "boosted-trees", version: 2 };

describe("planAliasMove", () => {
  it("creates an alias with revision 1", () => {
    const state = { current: null, lastRevision: 0 };
    const plan = planAliasMove("champion", state, { ...V1, share: null, canary: null }, MOVE);
    const columns = {
      alias: "champion",
      revision: 1,
      ...V1,
      share: null,
      canaryName: null,
      canaryVersion: null,
    };
    expect(plan).toEqual({
      history: { ...columns, fromName: null, fromVersion: null, removed: false, ...MOVE },
      row: { ...columns, updatedAt: MOVE.at },
    });
  });

  it("moves an alias with a canary, and records the version that it pointed at", () => {
    const state = { current: V1, lastRevision: 7 };
    const { history, row } = planAliasMove("champion", state, { ...V1, share: 10, canary: V2 }, MOVE);
    expect(history).toMatchObject({
      revision: 8,
      fromName: V1.name,
      fromVersion: V1.version,
      removed: false,
    });
    const canary = { share: 10, canaryName: V2.name, canaryVersion: V2.version };
    expect(history).toMatchObject(canary);
    expect(row).toMatchObject({ ...V1, ...canary, revision: 8 });
  });

  it("ends a canary with a move without one", () => {
    const state = { current: { ...V1, share: 10, canary: V2 }, lastRevision: 8 };
    const { row } = planAliasMove("champion", state, { ...V2, share: null, canary: null }, MOVE);
    expect(row).toMatchObject({ ...V2, share: null, canaryName: null, canaryVersion: null, revision: 9 });
  });

  it("removes an alias: the history keeps the version that it pointed at", () => {
    const state = { current: { ...V2, share: 5, canary: null }, lastRevision: 3 };
    const { history, row } = planAliasMove("challenger", state, null, MOVE);
    expect(row).toBeNull();
    expect(history).toMatchObject({
      ...V2,
      revision: 4,
      fromName: V2.name,
      fromVersion: V2.version,
      share: null,
      removed: true,
    });
  });

  it("continues the revisions of an alias that was removed", () => {
    const state = { current: null, lastRevision: 4 };
    const { history, row } = planAliasMove("challenger", state, { ...V1, share: 5, canary: null }, MOVE);
    expect(history).toMatchObject({ revision: 5, fromName: null, fromVersion: null });
    expect(row).toMatchObject({ revision: 5 });
  });

  it("cannot remove an alias that does not exist", () => {
    expect(() => planAliasMove("spare", { current: null, lastRevision: 0 }, null, MOVE)).toThrow(
      "cannot remove the alias spare: it does not exist",
    );
  });
});
