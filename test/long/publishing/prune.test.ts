import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { and, eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ConflictError } from "../../../cloudflare/d1.ts";
import { REPOSITORY_ROOT } from "../../../cloudflare/wrangler.ts";
import { models, prunedFiles } from "../../../src/db/registry/schema.ts";
import { readOptions } from "../../../training/cli/options.ts";
import { type ReportProgress, train } from "../../../training/pipeline.ts";
import { findRegistryFaults, withRegistry } from "../../support/local-state.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";
import { CSV_ROWS, writeStonesCsv } from "../../support/stones-csv.ts";
import { medianPriceModel } from "../../training/models/median-price.ts";

const folder = createScratchFolder();
const state = join(folder.path, "state");
const [firstStones, otherStones] = [0, 600].map((start) =>
  writeStonesCsv(folder.path, `${start}.csv`, CSV_ROWS.slice(start, start + 600)),
) as [string, string];
afterAll(() => folder.remove());

/**
 * Trains a quick model. `beforeWriting` runs once, when the run has checked and uploaded its files and will write
 * the registry next. It must not be asynchronous, because the run does not wait for its progress.
 */
function trainModel(
  { name, stones }: { readonly name: string; readonly stones: string },
  beforeWriting: () => void = () => {},
) {
  const options = readOptions(["--state", state, "--data", stones, "--force-train"], {});
  const promote = name === "champion-price" ? "auto" : "never";
  let isFirst = true;
  const reportProgress: ReportProgress = (step, text) => {
    if (step !== "publish" || !text.includes("writing the registry") || !isFirst) return;
    isFirst = false;
    beforeWriting();
  };
  return train({ ...options, promote }, reportProgress, [{ ...medianPriceModel, name }]);
}

function prune(): void {
  const args = [join(REPOSITORY_ROOT, "scripts/models.ts"), "prune", "--keep", "1", "--state", state];
  execFileSync(process.execPath, args, { cwd: REPOSITORY_ROOT });
}

const readMedianVersions = () =>
  withRegistry(state, async (db) =>
    (await db.query.models.findMany())
      .filter(({ name }) => name === "median-price")
      .map(({ version, sha256 }) => ({ version, sha256 })),
  );

const findFileFaults = async () =>
  (await findRegistryFaults(state)).filter((fault) => !fault.includes("has versions"));

beforeAll(async () => {
  await trainModel({ name: "champion-price", stones: firstStones });
  await trainModel({ name: "median-price", stones: firstStones });
  await trainModel({ name: "median-price", stones: otherStones });
});

test("a run publishes its version with its file if pruning deletes this file of an old version", async () => {
  const [first, second] = await readMedianVersions();
  expect(second?.sha256).not.toBe(first?.sha256);
  // The same stones and settings give the same file, so the run does not upload it.
  await trainModel({ name: "median-price", stones: firstStones }, prune);
  expect(await readMedianVersions()).toEqual([second, { version: 3, sha256: first?.sha256 }]);
  expect(await findFileFaults()).toEqual([]);
});

test("pruning goes on after an interruption, and a file that is still listed is not published", async () => {
  // As if pruning had been stopped between listing the file of version 2 and deleting it.
  const [second] = await readMedianVersions();
  const key = `models/median-price/${second?.sha256}.onnx`;
  await withRegistry(state, async (db) => {
    await db.delete(models).where(and(eq(models.name, "median-price"), eq(models.version, 2)));
    await db.insert(prunedFiles).values({ key, revision: 100, isDeleted: false });
  });
  const stones = otherStones;
  await expect(trainModel({ name: "median-price", stones })).rejects.toThrow(ConflictError);
  prune();
  const exists = await withRegistry(state, async (_, bucket) => (await bucket.head(key)) !== null);
  expect(exists).toBe(false);
  await trainModel({ name: "median-price", stones });
  expect(await findFileFaults()).toEqual([]);
});
