import {
  type BoostingParameters,
  computeGainImportance,
  fitEnsemble,
  type Matrix,
  predictEnsemble,
} from "../boosting/index.ts";
import { addTreeEnsemble } from "../onnx/add-tree-ensemble.ts";
import type { Graph, GraphValue } from "../onnx/graph.ts";
import type { StoneValues } from "../onnx/stone-inputs.ts";
import { encodeGrade } from "./grades.ts";
import type { PriceModel } from "./model.ts";
import { PRICE_TARGETS, type PriceTarget } from "./price-targets.ts";

/** A feature: its name, and a function that adds its nodes and returns its value, float [N]. */
export type Feature = readonly [name: string, addNodes: (graph: Graph, stone: StoneValues) => GraphValue];

/**
 * The columns of the dataset. A grade is encoded as its rank from worst to best. Carat is the first feature.
 */
export const COLUMN_FEATURES: readonly Feature[] = [
  ["carat", (_, stone) => stone.carat],
  ["cut", (graph, stone) => encodeGrade(graph, "cut", stone.cut)],
  ["color", (graph, stone) => encodeGrade(graph, "color", stone.color)],
  ["clarity", (graph, stone) => encodeGrade(graph, "clarity", stone.clarity)],
  ["depth", (_, stone) => stone.depth],
  ["table", (_, stone) => stone.table],
  ["x", (_, stone) => stone.x],
  ["y", (_, stone) => stone.y],
  ["z", (_, stone) => stone.z],
];
const CARAT_INDEX = 0;

interface BoostedTreesOptions {
  readonly name: string;
  /** The first feature must be carat. */
  readonly features: readonly Feature[];
  readonly target: keyof typeof PRICE_TARGETS;
  /** The seed is that of the training run. */
  readonly parameters: Omit<BoostingParameters, "seed">;
}

/** Creates a model of boosted regression trees over some features. */
export function createBoostedTreesModel(options: BoostedTreesOptions): PriceModel {
  const { name, features, parameters } = options;
  const target: PriceTarget = PRICE_TARGETS[options.target];
  const featureNames = features.map(([feature]) => feature);
  return {
    name,
    hyperparameters: { ...parameters, target: options.target, features: featureNames },
    featureNames,

    addFeatures(graph, stone) {
      return graph.stack(features.map(([, addNodes]) => addNodes(graph, stone)));
    },

    async fit({ features: matrix, prices }, { seed, onProgress }) {
      const carat = matrix.columns[CARAT_INDEX]!;
      const y = prices.map((price, row) => target.fromPrice(price, carat[row]!));
      const fitOptions = onProgress ? { onRound: onProgress } : {};
      const { predictions, ...fitted } = await fitEnsemble(matrix, y, { ...parameters, seed }, fitOptions);
      const toPrices = (predicted: Float32Array, { columns }: Matrix) =>
        predicted.map((value, row) => target.toPrice(value, columns[CARAT_INDEX]![row]!));
      const correction = target.computeCorrection?.(prices, toPrices(predictions, matrix)) ?? 0;
      const ensemble = { ...fitted, baseScore: Math.fround(fitted.baseScore + correction) };
      const gain = computeGainImportance(ensemble);
      return {
        addPrice: (graph, values, caratValue) =>
          target.addToPrice(graph, addTreeEnsemble(graph, values, ensemble), caratValue),
        predict: (values) => toPrices(predictEnsemble(ensemble, values), values),
        ...(target.computeCorrection && { fittedParameters: { correction } }),
        importance: Object.fromEntries(featureNames.map((feature, i) => [feature, gain[i] ?? 0])),
      };
    },
  };
}
