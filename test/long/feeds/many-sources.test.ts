import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { startDevServer } from "../../../cloudflare/dev-server.ts";
import type { ModelRecord } from "../../../src/domain/models/model-record.ts";
import { findRegistryFaults, withRegistry } from "../../support/local-state.ts";
import { startScript, TRAIN_MEDIAN } from "../../support/run-script.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";
import { CSV_ROWS, writeStonesCsv } from "../../support/stones-csv.ts";

const FILES = 900;
// Different stones without a zero dimension. Both halves have stones of all prices.
const ROWS = [...new Set(CSV_ROWS.filter((row, i) => i % 29 === 0 && !/,0(,|$)/.test(row)))];
const folder = createScratchFolder();
const state = join(folder.path, "state");
afterAll(() => folder.remove());

/** Writes a file for each of some stones, and returns their names. */
function writeFiles(prefix: string, first: number): string[] {
  return Array.from({ length: FILES }, (_, i) => {
    const name = `${prefix} ${String(i).padStart(3, "0")}.csv`;
    writeStonesCsv(folder.path, name, [ROWS[2 * i + first]!]);
    return name;
  });
}

async function publish(...options: string[]): Promise<void> {
  const { code, output } = await startScript([...options, "--state", state], TRAIN_MEDIAN).finished;
  expect(code, output).toBe(0);
}

test("900 files of one stone are published, 900 more are appended, and the API lists them all", async () => {
  const names = [...writeFiles("Mary's week", 0), ...writeFiles("next week", 1)];
  await publish("--data", join(folder.path, "Mary*.csv"));
  await publish("--data", join(folder.path, "next*.csv"), "--append", "--accept-feed");
  expect(await findRegistryFaults(state)).toEqual([]);
  const datasets = await withRegistry(state, (db) => db.query.datasets.findMany());
  expect(datasets).toMatchObject([
    { seq: 1, rows: FILES, sources: [], base: null },
    { seq: 2, rows: 2 * FILES, sources: [], base: 1 },
  ]);
  const server = await startDevServer({ state, vars: { ACCESS: "open" } });
  try {
    expect(await server.waitUntilReady("/health")).toBe(true);
    const answer = await fetch(`${server.url}/v1/models/median-price/versions/2`);
    const { sources } = (await answer.json()) as ModelRecord;
    expect(sources.map(({ name, rows }) => [name, rows])).toEqual(names.map((name) => [name, 1]));
  } finally {
    await server.stop();
  }
});
