/** Models whose files do not say all of what they mean. The expected prices are XGBoost's own (make.py). */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { GRADES } from "../../../src/domain/diamond.ts";
import { Graph } from "../../../training/onnx/graph.ts";
import { loadModel } from "../../../training/onnx/runtime.ts";
import { addStoneInputs } from "../../../training/onnx/stone-inputs.ts";
import { checkCategories } from "../../../training/xgboost/check/describe-codes.ts";
import { type ReadOptions, readXgboostModel } from "../../../training/xgboost/read-model.ts";
import { createXgboostNodes, type GraphOptions } from "../../../training/xgboost/to-graph.ts";
import { readPredictions } from "./compare-predictions.ts";

const FIXTURES = "test/fixtures/xgboost-import/meaning";
const SORTED = {
  cut: GRADES.cut.toSorted(),
  color: GRADES.color.toSorted(),
  clarity: GRADES.clarity.toSorted(),
};
const number = (grades: readonly string[]) => Object.fromEntries(grades.map((grade, i) => [grade, i + 1]));
const FROM_ONE = {
  cut: number(GRADES.cut),
  color: number(GRADES.color),
  clarity: number(GRADES.clarity),
};
const NUMBERS_FIRST = {
  f0: "carat",
  f1: "depth",
  f2: "table",
  f3: "x",
  f4: "y",
  f5: "z",
  f6: "cut",
  f7: "color",
  f8: "clarity",
} as const;

/** What must be said about a variant of make.py. */
const OPTIONS: Readonly<Record<string, ReadOptions & Partial<GraphOptions>>> = {
  "sparse-one-hot": { missing: 0 },
  "missing-0": { missing: 0 },
  "from-one": { categories: FROM_ONE },
  "numbers-first": { features: NUMBERS_FIRST },
  log1p: { log: "log1p" },
  log10: { log: "log10" },
  derived: { log: "log per carat" },
  "pandas-categories": { categories: SORTED },
  "early-booster": { allTrees: true },
};

async function computePrices(file: string, options: ReadOptions & Partial<GraphOptions>, stones: object) {
  const model = readXgboostModel(readFileSync(file), options);
  checkCategories(model);
  const nodes = createXgboostNodes(model, { log: options.log ?? false, missing: options.missing });
  const graph = new Graph("imported");
  const stone = addStoneInputs(graph);
  graph.addOutput(nodes.addPrice(graph, nodes.addFeatures(graph, stone), stone.carat), "price");
  const session = await loadModel(graph.toBytes());
  const { price } = await session.run(stones as never);
  await session.release();
  return price!.data;
}

describe.each(readdirSync(FIXTURES).filter((name) => /^\d/.test(name)))("XGBoost %s", (version) => {
  const { stones, prices } = readPredictions(join(FIXTURES, version));
  test.each(Object.keys(prices))("the prices of %s are XGBoost's own", async (variant) => {
    const file = join(FIXTURES, version, `${variant.replace("early-wrapper", "early-booster")}.ubj`);
    const actual = await computePrices(file, OPTIONS[variant] ?? {}, stones);
    expect(actual.length).toBe(100);
    const differences = actual.map((price, row) => Math.abs(price / prices[variant]![row]! - 1));
    expect(Math.max(...differences)).toBeLessThan(1e-5);
  });
});
