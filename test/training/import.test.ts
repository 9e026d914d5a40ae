import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { isTest } from "../../src/domain/split.ts";
import type { Split } from "../../training/candidate.ts";
import { readDataset } from "../../training/dataset.ts";
import { imported } from "../../training/import.ts";
import { embeddedSource } from "../../training/source.ts";

const SEED = 42;
const FIXTURES = join(import.meta.dirname, "../fixtures/xgboost-import/3.2.0");
const OPTIONS = { name: "cluster-xgboost", log: false, categories: null, features: null };
const folder = mkdtempSync(join(tmpdir(), "facet-import-"));
let split: Split;

beforeAll(async () => {
  const { stones } = await readDataset([embeddedSource()]);
  const some = stones.filter((_, i) => i % 20 === 0);
  const side = (tested: boolean) => some.filter((stone) => isTest(stone.splitKey, SEED) === tested);
  split = { train: side(false), test: side(true) };
});
afterAll(() => rmSync(folder, { recursive: true }));

test("an XGBoost file and the ONNX made of it are candidates with the same prices and figures", async () => {
  const candidate = await imported({ ...OPTIONS, file: join(FIXTURES, "one-hot.json") });
  expect(candidate.settings).toMatchObject({ imported: "one-hot.json", xgboost: "3.2.0", target: "price" });
  const model = await candidate.make(split, { seed: SEED });
  expect(model.metrics.rows).toBe(split.test.length);
  expect(model.importance.permutation.carat).toBeGreaterThan(100);

  const onnx = join(folder, "own.onnx");
  writeFileSync(onnx, model.bytes);
  const again = await (await imported({ ...OPTIONS, file: onnx })).make(split, { seed: SEED });
  expect(again.sha256).toBe(model.sha256);
  expect(again.prices).toEqual(model.prices);
});

test.each([
  ["nowhere.json", null, "nowhere.json: there is no such file"],
  [
    "other.json",
    '{"name": "facet"}',
    "other.json: the file is not a whole XGBoost model: learner is missing",
  ],
  ["half.json", readFileSync(join(FIXTURES, "one-hot.json")).subarray(0, 5000), "half.json: "],
  ["text.onnx", "no model at all", "text.onnx: the file is no ONNX model"],
])("%s is refused in one line that names it", async (name, content, message) => {
  const file = join(folder, name);
  if (content !== null) writeFileSync(file, content);
  await expect(imported({ ...OPTIONS, file })).rejects.toThrow(message);
});

test("what is for XGBoost models alone is refused for others", async () => {
  const file = join(folder, "plain.onnx");
  writeFileSync(file, "x");
  await expect(imported({ ...OPTIONS, file, log: true })).rejects.toThrow(
    "--log, --categories and --features are for XGBoost",
  );
});
