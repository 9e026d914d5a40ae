import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { GRADE_COLUMNS, GRADES, NUMBER_COLUMNS } from "../../../src/domain/diamond.ts";
import { Graph } from "../../../training/onnx/graph.ts";
import { createModel, type Feeds } from "../../../training/onnx/runtime.ts";
import {
  type ReadOptions,
  readXgboost,
  type XgboostModel,
  xgboostGraph,
} from "../../../training/xgboost/index.ts";

const SORTED = Object.fromEntries(GRADE_COLUMNS.map((column) => [column, GRADES[column].toSorted()]));
const REVERSED = Object.fromEntries(GRADE_COLUMNS.map((column) => [column, GRADES[column].toReversed()]));

/** What each variant that make.py writes needs to be told; the others need nothing. */
export function optionsOf(variant: string, xgboost: string): ReadOptions {
  // XGBoost 3.1 and later keeps the categories of a data frame with the model.
  const keeps = /^3\.[1-9]/.test(xgboost);
  if (variant === "alphabetical" && !keeps) return { categories: SORTED };
  if (variant === "numbers" && !keeps) return { categories: REVERSED };
  if (variant === "renamed") return { features: { weight: "carat", "length, mm": "x" } };
  return {};
}

/** Whether the variant was trained on the logarithm of the price. */
export function isLog(variant: string): boolean {
  return variant.endsWith("-log") || variant === "forest" || variant === "squaredlog";
}

/** The imported model as an ONNX file whose inputs are a stone's columns. */
export function exportXgboost(model: XgboostModel, log: boolean): Uint8Array {
  const graph = new Graph("imported");
  const columns = {
    carat: graph.input("carat", "float"),
    depth: graph.input("depth", "float"),
    table: graph.input("table", "float"),
    x: graph.input("x", "float"),
    y: graph.input("y", "float"),
    z: graph.input("z", "float"),
    cut: graph.input("cut", "string"),
    color: graph.input("color", "string"),
    clarity: graph.input("clarity", "string"),
  };
  graph.output(xgboostGraph(graph, columns, model, { log }), "price");
  return graph.toBytes();
}

/** A folder that make.py wrote: the stones, and XGBoost's own price of each by variant. */
export interface Predictions {
  readonly stones: Feeds;
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

/** Largest relative difference, over all stones, between our ONNX file's prices and XGBoost's own. */
export async function compare(
  file: Uint8Array,
  variant: string,
  xgboost: string,
  { stones, prices }: Predictions,
): Promise<{ rows: number; largest: number; identical: number; bytes: number }> {
  const onnx = exportXgboost(readXgboost(file, optionsOf(variant, xgboost)), isLog(variant));
  const model = await createModel(onnx);
  const { price } = await model.run(stones);
  await model.release();
  const expected = prices[variant]!;
  let largest = 0;
  let identical = 0;
  expected.forEach((wanted, row) => {
    const difference = Math.abs(price!.data[row]! - wanted) / Math.abs(wanted);
    if (!(difference <= largest)) largest = difference;
    if (difference === 0) identical++;
  });
  return { rows: expected.length, largest, identical, bytes: onnx.length };
}
