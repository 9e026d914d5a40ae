/** Calls of the ONNX runtime, without the cache and its mutex. */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Session } from "../../../src/inference/onnx-runtime.ts";
import { createSession } from "../../../src/inference/onnx-runtime.ts";
import { OverlappingCallError } from "../../../src/inference/runtime-errors.ts";
import { STONE } from "../support/call.ts";
import { readLinearModel, readModelFile } from "../support/registry.ts";

let session: Session;
let other: Session;

beforeAll(async () => {
  session = await createSession(readModelFile("steep"));
  other = await createSession(readLinearModel(0));
});
afterAll(async () => {
  await session.release();
  await other.release();
});

const createColumns = (rows: number) =>
  Object.fromEntries(
    Object.entries(STONE).map(([name, value]) => [
      name,
      typeof value === "number" ? new Float32Array(rows).fill(value) : Array<string>(rows).fill(value),
    ]),
  );

describe("a call during another one", () => {
  it.each<[string, () => Promise<unknown>]>([
    ["a run of the same session", () => session.run(createColumns(1), "price")],
    ["a run of another session", () => other.run(createColumns(1), "price")],
    ["the creation of a session", () => createSession(readLinearModel(1))],
    ["the release of a session", () => other.release()],
  ])("throws: %s", async (_, call) => {
    const [first, second] = await Promise.allSettled([session.run(createColumns(1), "price"), call()]);
    expect(first.status).toBe("fulfilled");
    expect(second).toMatchObject({ status: "rejected", reason: expect.any(OverlappingCallError) });
    // The refused call changed nothing.
    expect((await other.run(createColumns(1), "price"))[0]).toBeCloseTo(100 * STONE.carat + 421, 2);
  });

  it("is possible again after a call that failed", async () => {
    await expect(session.run(createColumns(1), "mass")).rejects.toThrow();
    await expect(createSession(new Uint8Array([1, 2, 3]))).rejects.toThrow();
    expect(await session.run(createColumns(1), "price")).toHaveLength(1);
  });
});

// The mutex relies on it: no other request runs during a call, and none can be cancelled in the middle of one.
describe("a call waits for nothing but its own computing", () => {
  it.each<[string, () => Promise<unknown>]>([
    ["a run for one stone", () => session.run(createColumns(1), "price")],
    ["a run for 1,000 stones", () => session.run(createColumns(1000), "price")],
    [
      "the creation and the release of a session",
      async () => (await createSession(readLinearModel(2))).release(),
    ],
  ])("%s", async (_, call) => {
    let hasEnded = false;
    let wasFirst: boolean | undefined;
    const ended = call().then(() => {
      hasEnded = true;
    });
    // The first event after the call has started: only microtasks come before it.
    await new Promise<void>((resolve) => {
      setTimeout(() => {
        wasFirst = hasEnded;
        resolve();
      }, 0);
    });
    await ended;
    expect(wasFirst).toBe(true);
  });
});
