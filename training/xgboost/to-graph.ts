import { DERIVED_FEATURES } from "../models/gradient-boosting.ts";
import type { PriceNodes } from "../models/price-graph.ts";
import { addTreeEnsemble } from "../onnx/add-tree-ensemble.ts";
import type { Graph, GraphValue } from "../onnx/graph.ts";
import type { StoneValues } from "../onnx/stone-inputs.ts";
import { addPriceOfTarget, type Target } from "../onnx-import/target.ts";
import { type Feature, isDerivedColumn } from "./features.ts";
import type { XgboostModel } from "./model.ts";

/** The function of the price that a model predicts: the price, or a logarithm of it (true: the natural one). */
export type LogTarget = boolean | "log1p" | "log10" | "log per carat";

export interface GraphOptions {
  readonly log: LogTarget;
  /** The value that the model was trained with as missing, besides NaN. */
  readonly missing?: number | undefined;
}

/**
 * Creates the nodes of an imported model. A missing measurement (NaN) takes the default branch of each split,
 * as in XGBoost. An unknown grade takes it too.
 */
export function createXgboostNodes(
  { features, ensemble, link }: XgboostModel,
  { log, missing }: GraphOptions,
): PriceNodes {
  return {
    addFeatures: (graph, stone) =>
      graph.stack(features.map((feature) => addFeature(graph, stone, feature, missing))),
    addPrice(graph, values, carat) {
      const sum = addTreeEnsemble(graph, values, ensemble);
      return addPriceOfTarget(graph, link === "exp" ? graph.exp(sum) : sum, toTarget(log), carat);
    },
  };
}

/** What a model predicts, as the options of the import name it. */
export function toTarget(log: LogTarget): Target {
  if (log === "log per carat") return "log price per carat";
  if (typeof log === "string") return `${log} price`;
  return log ? "log price" : "price";
}

function addFeature(graph: Graph, stone: StoneValues, feature: Feature, missing?: number): GraphValue {
  if ("codes" in feature)
    return graph.encodeLabels(stone[feature.column], replaceMissing(feature.codes, missing));
  const value = isDerivedColumn(feature.column)
    ? DERIVED_FEATURES[feature.column](graph, stone)
    : stone[feature.column];
  if (missing === undefined) return value;
  const isMissing = graph.addNode("Equal", [value, graph.floatConstant(missing)], {}, { type: "bool" });
  return graph.where(isMissing, graph.floatConstant(Number.NaN), value);
}

/** Replaces the numbers that mean a missing value by NaN. */
export function replaceMissing(
  codes: ReadonlyMap<string, number>,
  missing: number | undefined,
): ReadonlyMap<string, number> {
  if (missing === undefined) return codes;
  return new Map([...codes].map(([grade, code]) => [grade, code === missing ? Number.NaN : code]));
}
