import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { CUTS } from "../../../src/domain/diamond.ts";
import { createImportBuilder } from "../../../training/builders/import.ts";
import { readDataset } from "../../../training/data/dataset.ts";
import { createEmbeddedSource } from "../../../training/data/source.ts";
import { type Split, splitStones } from "../../../training/data/split.ts";
import { Graph } from "../../../training/onnx/graph.ts";
import { addStoneInputs } from "../../../training/onnx/stone-inputs.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";

const SEED = 42;
const FIXTURES = join(import.meta.dirname, "../../fixtures/xgboost-import/3.2.0");
const OPTIONS = { name: "cluster-xgboost" };
const folder = createScratchFolder();
let split: Split;

beforeAll(async () => {
  const { stones } = await readDataset([createEmbeddedSource()]);
  split = splitStones(
    stones.filter((_, i) => i % 20 === 0),
    SEED,
  );
});
afterAll(() => folder.remove());

test("an XGBoost file and the ONNX file that is exported from it give the same model", async () => {
  const builder = await createImportBuilder({ ...OPTIONS, file: join(FIXTURES, "one-hot.json") });
  expect(builder.settings).toMatchObject({ imported: "one-hot.json", xgboost: "3.2.0", target: "price" });
  const model = await builder.build(split, { seed: SEED });
  expect(model.metrics.rows).toBe(split.test.length);
  expect(model.importance.permutation.carat).toBeGreaterThan(100);
  // It cannot be fitted again, so it is calibrated on one half of the test stones and measured on the other.
  expect(model.calibration?.method).toBe("half of the test split");
  for (const group of ["withSize", "withoutSize"] as const) {
    const { rows, test } = model.calibration![group];
    expect(rows + test.rows).toBe(split.test.length);
    expect(Math.abs(rows / split.test.length - 0.5)).toBeLessThan(0.1);
    for (const { coverage, measured } of test.coverages) {
      expect(Math.abs(measured - coverage)).toBeLessThan(4 * Math.sqrt((0.2 * 0.8) / test.rows));
    }
  }

  const onnx = join(folder.path, "exported.onnx");
  writeFileSync(onnx, model.bytes);
  const onnxBuilder = await createImportBuilder({ ...OPTIONS, file: onnx });
  const onnxModel = await onnxBuilder.build(split, { seed: SEED });
  expect(onnxModel.sha256).toBe(model.sha256);
  expect(onnxModel.prices).toEqual(model.prices);
});

test.each([
  ["nowhere.json", null, "nowhere.json: no such file"],
  [
    "other.json",
    '{"name": "facet"}',
    "other.json: the file is not a valid XGBoost model: learner must be an object",
  ],
  ["half.json", readFileSync(join(FIXTURES, "one-hot.json")).subarray(0, 5000), "half.json: "],
  ["text.onnx", "no model at all", "text.onnx: the file is not an ONNX model"],
])("%s fails with an error that names the file", async (name, content, message) => {
  const file = join(folder.path, name);
  if (content !== null) writeFileSync(file, content);
  await expect(createImportBuilder({ ...OPTIONS, file })).rejects.toThrow(message);
});

test("a model without a price for some stones fails with an error that names such a stone", async () => {
  const graph = new Graph("no-fair-price");
  const stone = addStoneInputs(graph);
  const good = new Map(CUTS.filter((cut) => cut !== "Fair").map((cut) => [cut, 1000]));
  graph.addOutput(graph.mul(stone.carat, graph.encodeLabels(stone.cut, good)), "price");
  const file = join(folder.path, "no-fair-price.onnx");
  writeFileSync(file, graph.toBytes());
  const builder = await createImportBuilder({ ...OPTIONS, file });
  await expect(builder.build(split, { seed: SEED })).rejects.toThrow(
    /^cluster-xgboost has no price for a stone: NaN for \{"carat":.*"cut":"Fair"/,
  );
});

test("the gain of the splits and the category codes are part of the model", async () => {
  const file = join(FIXTURES, "one-hot.json");
  const builder = await createImportBuilder({ ...OPTIONS, file });
  const { importance } = await builder.build(split, { seed: SEED });
  const gains = Object.values(importance.gain ?? {});
  expect(gains.reduce((sum, gain) => sum + gain, 0)).toBeCloseTo(1, 9);
  expect(importance.gain?.carat).toBeGreaterThan(importance.gain?.table ?? 1);
  expect(builder.settings.categories).toMatchObject({ cut: CUTS });

  const categories = join(folder.path, "categories.json");
  writeFileSync(categories, JSON.stringify({ cut: [...CUTS].reverse() }));
  const reversed = await createImportBuilder({
    ...OPTIONS,
    file: join(FIXTURES, "ordinal.json"),
    categories,
  });
  expect(reversed.settings.categories).toMatchObject({ cut: [...CUTS].reverse() });
});

test("a JSON model may begin with white space", async () => {
  const file = join(folder.path, "blanks.json");
  writeFileSync(file, `\n  ${readFileSync(join(FIXTURES, "one-hot.json"), "utf8")}`);
  expect((await createImportBuilder({ ...OPTIONS, file })).settings).toMatchObject({ xgboost: "3.2.0" });
});

test("the options for XGBoost models are refused for an ONNX file", async () => {
  const file = join(folder.path, "plain.onnx");
  writeFileSync(file, "x");
  await expect(createImportBuilder({ ...OPTIONS, file, log: true })).rejects.toThrow(
    "--log, --categories and --features can only be used with an XGBoost model",
  );
});
