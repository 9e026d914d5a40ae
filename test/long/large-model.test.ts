/** A model that is too large for the Worker: it is neither published nor promoted. */
import { createHash } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, expect, test } from "vitest";
import { models } from "../../src/db/registry/schema.ts";
import { findRegistryFaults, withRegistry } from "../support/local-state.ts";
import { startScript, TRAIN_MEDIAN, train } from "../support/run-script.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";
import { CSV_ROWS, writeStonesCsv } from "../support/stones-csv.ts";
import { createTreeModel } from "../support/tree-model.ts";

const BOTH_NUMBERS = /too large to serve: it needs 15\d\.\d MB of memory, and at most 48\.0 MB are allowed/;

const folder = createScratchFolder();
const state = join(folder.path, "state");
const file = join(folder.path, "large.onnx");
const bytes = createTreeModel(1000, 8);

const promote = (...args: string[]) =>
  startScript([...args, "--reason", "a test", "--state", state], "scripts/promote.ts").finished;
const readModels = () => withRegistry(state, (db) => db.select().from(models));
const readAliases = () => withRegistry(state, (db) => db.query.aliases.findMany());

beforeAll(async () => {
  writeFileSync(file, bytes);
  const path = writeStonesCsv(folder.path, "stones.csv", CSV_ROWS.slice(0, 400));
  const trained = await startScript(["--data", path, "--state", state], TRAIN_MEDIAN).finished;
  expect(trained.code, trained.output).toBe(0);
});
afterAll(() => folder.remove());

test("a published version has its memory in its record", async () => {
  const [model] = await readModels();
  expect(model?.memoryBytes).toBeGreaterThan(10_000);
  expect(model?.sessionBytes).toBeGreaterThan(10_000);
});

test.each(["auto", "force"])(
  "an import of 1,000 trees of depth 8 is refused (--promote %s)",
  async (mode) => {
    const run = await train("import", file, "--name", "cluster", "--promote", mode, "--state", state);
    expect(run.output).toMatch(BOTH_NUMBERS);
    expect(run.output).toContain("cluster is");
    expect(run.code).toBe(1);
    expect(await readModels()).toHaveLength(1);
    expect(await readAliases()).toMatchObject([{ alias: "champion", name: "median-price" }]);
    expect(await findRegistryFaults(state)).toEqual([]);
  },
);

test("a version that was published without its memory is measured before an alias moves", async () => {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  await withRegistry(state, async (db, bucket) => {
    const [published] = await db.select().from(models);
    const large = { name: "cluster", key: `models/cluster/${sha256}.onnx`, sha256, bytes: bytes.length };
    await bucket.put(large.key, bytes);
    await db.update(models).set({ memoryBytes: null, sessionBytes: null });
    await db.insert(models).values({ ...published!, ...large, memoryBytes: null, sessionBytes: null });
  });
  for (const alias of ["champion", "challenger"]) {
    const refused = await promote("cluster@1", "--alias", alias);
    expect(refused.output).toMatch(BOTH_NUMBERS);
    expect(refused.code).toBe(1);
  }
  expect(await readAliases()).toMatchObject([{ alias: "champion", name: "median-price" }]);

  // The figures of a version that is small enough are added to its record.
  const moved = await promote("median-price@1", "--alias", "challenger");
  expect(moved.code, moved.output).toBe(0);
  const readMemory = async (name: string) => {
    const where = eq(models.name, name);
    return (await withRegistry(state, (db) => db.select().from(models).where(where)))[0]?.memoryBytes;
  };
  expect(await readMemory("median-price")).toBeGreaterThan(10_000);
  expect(await readMemory("cluster")).toBeNull();
});
