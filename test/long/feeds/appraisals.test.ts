/** What a key can change: stones with wrong prices that are already accepted in the registry. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { executeStatements } from "../../../cloudflare/d1.ts";
import { toInsertStatements } from "../../../cloudflare/d1-sql.ts";
import { appraisals, quarantines } from "../../../src/db/registry/schema.ts";
import { readDataset } from "../../../training/data/dataset.ts";
import type { DatasetStone } from "../../../training/data/dataset-stone.ts";
import { findSources } from "../../../training/data/source.ts";
import { findRegistryFaults, withRegistry } from "../../support/local-state.ts";
import { startScript } from "../../support/run-script.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";
import { CSV_ROWS, mapPrices, writeStonesCsv } from "../../support/stones-csv.ts";

const folder = createScratchFolder();
const state = join(folder.path, "state");

/** Every tenth stone of the embedded dataset, each time others. */
const takeRows = (first: number) => [...new Set(CSV_ROWS.filter((_, i) => i % 10 === first))];

const readStones = async (name: string, rows: readonly string[]) =>
  (await readDataset(await findSources([writeStonesCsv(folder.path, name, rows)]))).stones;

/** Writes stones into the table as accepted ones. */
const insertAccepted = (stones: readonly DatasetStone[], source: string) => {
  const rows = stones.map(({ splitKey: _, ...stone }) => ({
    ...stone,
    status: "accepted" as const,
    source,
    requestId: "test",
    receivedAt: "2026-12-01T00:00:00.000Z",
  }));
  return executeStatements({ kind: "local", state }, toInsertStatements(appraisals, rows));
};

const countStatuses = () =>
  withRegistry(state, async (db) => {
    const rows = await db.select().from(appraisals);
    const count = (status: string) => rows.filter((row) => row.status === status).length;
    const reasons = (await db.select().from(quarantines)).map(({ bound }) => bound);
    return { accepted: count("accepted"), quarantined: count("quarantined"), bounds: new Set(reasons) };
  });

async function train(...args: string[]) {
  const json = join(folder.path, "run.json");
  const run = startScript(["--state", state, "--json", json, ...args], undefined, { GITHUB_ACTIONS: "true" });
  const { code, output } = await run.finished;
  expect(code, output).toBe(0);
  const { dataset, decision, notes } = JSON.parse(readFileSync(json, "utf8"));
  return {
    output,
    rows: dataset.rows as number,
    reason: decision.reason as string,
    notes: notes as string[],
  };
}

let first: Awaited<ReturnType<typeof train>>;

beforeAll(async () => {
  first = await train("--data", writeStonesCsv(folder.path, "base.csv", takeRows(0)));
  const wrong = mapPrices(takeRows(1), (price) => price * 1.45);
  await insertAccepted(await readStones("wrong.csv", wrong), "dealer: auction of May");
  await insertAccepted(await readStones("right.csv", takeRows(2).slice(0, 400)), "shop");
});
afterAll(() => folder.remove());

test("a dry run says what it would hold, and changes nothing", async () => {
  const { rows, notes } = await train("--dry-run");
  expect(rows).toBe(first.rows + 400);
  expect(notes[0]).toMatch(/^held: 5,3\d\d stones of dealer \(to be quarantined, 5,3\d\d of them new\)/);
  expect(await countStatuses()).toMatchObject({ quarantined: 0, bounds: new Set() });
});

test("a run holds the wrong stones of one key, and learns from those of the other", async () => {
  const { rows, notes, output } = await train();
  expect(rows).toBe(first.rows + 400);
  expect(notes).toHaveLength(2);
  expect(notes[0]).toMatch(
    /^held: 5,3\d\d stones of dealer \(quarantined, 5,3\d\d of them new\): .*; median ratio 1\.4\d*$/,
  );
  expect(notes[1]).toContain("--accept-feed");
  expect(output).toContain(`note: ${notes[0]}`);
  expect(output).toContain("::warning title=Facet training::held: ");
  const { accepted, quarantined } = await countStatuses();
  expect(accepted).toBe(400);
  expect(quarantined).toBeGreaterThan(5_300);
  expect(await findRegistryFaults(state)).toEqual([]);
});

test("a run with nothing new says again what is held", async () => {
  const { reason, notes } = await train();
  expect(reason).toContain("nothing new since");
  expect(notes[0]).toMatch(/^held: 5,3\d\d stones of dealer \(quarantined, 0 of them new\)/);
});

test("--accept-feed takes the held stones, and later runs keep them", async () => {
  const accepted = await train("--accept-feed", "--promote", "never");
  expect(accepted.rows).toBeGreaterThan(first.rows + 5_700);
  // The promotion policy has its own view of these prices, and says it in further notes.
  expect(accepted.notes[0]).toMatch(/^taken with --accept-feed: 5,3\d\d stones of dealer/);
  expect(accepted.notes.join()).not.toContain("held: ");
  expect(await countStatuses()).toMatchObject({ quarantined: 0 });
  const later = await train();
  expect(later.rows).toBe(accepted.rows);
  expect(later.reason).toContain("nothing new since");
  expect(later.notes).toEqual([]);
});
