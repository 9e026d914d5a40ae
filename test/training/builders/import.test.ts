import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CUTS } from "../../../src/domain/diamond.ts";
import { isTestStone } from "../../../src/domain/split.ts";
import { createImportBuilder } from "../../../training/builders/import.ts";
import type { Split } from "../../../training/builders/model-builder.ts";
import { readDataset } from "../../../training/data/dataset.ts";
import { embeddedSource } from "../../../training/data/source.ts";
import { lookUp } from "../../../training/models/grades.ts";
import { stoneInputs } from "../../../training/models/price-graph.ts";
import { Graph } from "../../../training/onnx/graph.ts";

const SEED = 42;
const FIXTURES = join(import.meta.dirname, "../../fixtures/xgboost-import/3.2.0");
const OPTIONS = { name: "cluster-xgboost", log: false, categories: null, features: null };
const folder = mkdtempSync(join(tmpdir(), "facet-import-"));
let split: Split;

beforeAll(async () => {
  const { stones } = await readDataset([embeddedSource()]);
  const some = stones.filter((_, i) => i % 20 === 0);
  const side = (tested: boolean) => some.filter((stone) => isTestStone(stone.splitKey, SEED) === tested);
  split = { train: side(false), test: side(true) };
});
afterAll(() => rmSync(folder, { recursive: true }));

test("an XGBoost file and the ONNX made of it are candidates with the same prices and figures", async () => {
  const candidate = await createImportBuilder({ ...OPTIONS, file: join(FIXTURES, "one-hot.json") });
  expect(candidate.settings).toMatchObject({ imported: "one-hot.json", xgboost: "3.2.0", target: "price" });
  const model = await candidate.build(split, { seed: SEED });
  expect(model.metrics.rows).toBe(split.test.length);
  expect(model.importance.permutation.carat).toBeGreaterThan(100);

  const onnx = join(folder, "own.onnx");
  writeFileSync(onnx, model.bytes);
  const again = await (await createImportBuilder({ ...OPTIONS, file: onnx })).build(split, { seed: SEED });
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
  await expect(createImportBuilder({ ...OPTIONS, file })).rejects.toThrow(message);
});

test("a model that has no price for some stones is refused, naming one", async () => {
  const graph = new Graph("fair-is-none");
  const stone = stoneInputs(graph);
  const good = new Map(CUTS.filter((cut) => cut !== "Fair").map((cut) => [cut, 1000]));
  graph.output(graph.mul(stone.carat, lookUp(graph, stone.cut, good, Number.NaN)), "price");
  const file = join(folder, "fair-is-none.onnx");
  writeFileSync(file, graph.toBytes());
  const candidate = await createImportBuilder({ ...OPTIONS, file });
  await expect(candidate.build(split, { seed: SEED })).rejects.toThrow(
    /^cluster-xgboost has no price for a stone: NaN for \{"carat":.*"cut":"Fair"/,
  );
});

test("what the splits gained, and the codes that a model was read by, are in its record", async () => {
  const file = join(FIXTURES, "one-hot.json");
  const own = await createImportBuilder({ ...OPTIONS, file });
  const { importance } = await own.build(split, { seed: SEED });
  const gains = Object.values(importance.gain ?? {});
  expect(gains.reduce((sum, gain) => sum + gain, 0)).toBeCloseTo(1, 9);
  expect(importance.gain?.carat).toBeGreaterThan(importance.gain?.table ?? 1);
  expect(own.settings.categories).toMatchObject({ cut: CUTS });

  const categories = join(folder, "categories.json");
  writeFileSync(categories, JSON.stringify({ cut: [...CUTS].reverse() }));
  const other = await createImportBuilder({ ...OPTIONS, file: join(FIXTURES, "ordinal.json"), categories });
  expect(other.settings.categories).toMatchObject({ cut: [...CUTS].reverse() });
});

test("a JSON model may begin with blanks", async () => {
  const file = join(folder, "blanks.json");
  writeFileSync(file, `\n  ${readFileSync(join(FIXTURES, "one-hot.json"), "utf8")}`);
  expect((await createImportBuilder({ ...OPTIONS, file })).settings).toMatchObject({ xgboost: "3.2.0" });
});

test("what is for XGBoost models alone is refused for others", async () => {
  const file = join(folder, "plain.onnx");
  writeFileSync(file, "x");
  await expect(createImportBuilder({ ...OPTIONS, file, log: true })).rejects.toThrow(
    "--log, --categories and --features are for XGBoost",
  );
});
