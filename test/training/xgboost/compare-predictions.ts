import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { GRADE_COLUMNS, GRADES, NUMBER_COLUMNS } from "../../../src/domain/diamond.ts";
import { Graph } from "../../../training/onnx/graph.ts";
import { loadModel, type ModelInputs } from "../../../training/onnx/runtime.ts";
import { addStoneInputs } from "../../../training/onnx/stone-inputs.ts";
import type { XgboostModel } from "../../../training/xgboost/model.ts";
import { type ReadOptions, readXgboostModel } from "../../../training/xgboost/read-model.ts";
import { createXgboostNodes } from "../../../training/xgboost/to-graph.ts";

const SORTED = Object.fromEntries(GRADE_COLUMNS.map((column) => [column, GRADES[column].toSorted()]));
const REVERSED = Object.fromEntries(GRADE_COLUMNS.map((column) => [column, GRADES[column].toReversed()]));

/** Returns the options that a variant of make.py needs. Most variants need none. */
export function getReadOptions(variant: string, xgboost: string): ReadOptions {
  // XGBoost 3.1 and later store the categories of a data frame in the model.
  const hasStoredCategories = /^3\.[1-9]/.test(xgboost);
  if (variant === "alphabetical" && !hasStoredCategories) return { categories: SORTED };
  if (variant === "numbers" && !hasStoredCategories) return { categories: REVERSED };
  if (variant === "renamed") return { features: { weight: "carat", "length, mm": "x" } };
  return {};
}

/** Whether the variant was trained on the logarithm of the price. */
export function isLogModel(variant: string): boolean {
  return variant.endsWith("-log") || variant === "forest" || variant === "squaredlog";
}

/** Exports an imported model as an ONNX file. Its inputs are the columns of a stone. */
export function exportXgboostModel(model: XgboostModel, log: boolean): Uint8Array {
  const graph = new Graph("imported");
  const stone = addStoneInputs(graph);
  const { addFeatures, addPrice } = createXgboostNodes(model, { log });
  graph.addOutput(addPrice(graph, addFeatures(graph, stone), stone.carat), "price");
  return graph.toBytes();
}

/** The predictions that make.py wrote: stones, and XGBoost's price of each stone by variant. */
export interface Predictions {
  readonly stones: ModelInputs;
  readonly prices: Readonly<Record<string, Float32Array>>;
}

export function readPredictions(folder: string): Predictions {
  const rows: Record<string, string>[] = parse(readFileSync(join(folder, "predictions.csv")), {
    columns: true,
  });
  const column = (name: string) =>
    Float32Array.from(rows, (row) => (row[name] === "" ? Number.NaN : Number(row[name])));
  const names = [...NUMBER_COLUMNS, ...GRADE_COLUMNS] as readonly string[];
  const variants = Object.keys(rows[0]!).filter((name) => !names.includes(name));
  return {
    stones: Object.fromEntries([
      ...NUMBER_COLUMNS.map((name) => [name, column(name)]),
      ...GRADE_COLUMNS.map((name) => [name, rows.map((row) => row[name]!)]),
    ]),
    prices: Object.fromEntries(variants.map((name) => [name, column(name)])),
  };
}

/** Compares the prices of our ONNX file with XGBoost's own. Returns the largest relative difference. */
export async function comparePredictions(
  file: Uint8Array,
  variant: string,
  xgboost: string,
  { stones, prices }: Predictions,
): Promise<{ rows: number; maxDifference: number; identical: number; bytes: number }> {
  const onnx = exportXgboostModel(
    readXgboostModel(file, getReadOptions(variant, xgboost)),
    isLogModel(variant),
  );
  const model = await loadModel(onnx);
  const { price: actual } = await model.run(stones);
  await model.release();
  const expected = prices[variant]!;
  let maxDifference = 0;
  let identical = 0;
  expected.forEach((price, row) => {
    const difference = Math.abs(actual!.data[row]! - price) / Math.abs(price);
    if (!(difference <= maxDifference)) maxDifference = difference;
    if (difference === 0) identical++;
  });
  return { rows: expected.length, maxDifference, identical, bytes: onnx.length };
}
