import { weightedMedian } from "../../src/lib/statistics.ts";
import {
  type BoostingParameters,
  fitEnsemble,
  gainImportance,
  type Matrix,
  predictEnsemble,
} from "../boosting/index.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import { trees } from "../onnx/trees.ts";
import { gradeCode } from "./grades.ts";
import type { PriceModel, StoneValues } from "./model.ts";

/** A feature: its name and the nodes that compute it, float [N]. */
export type Feature = readonly [name: string, nodes: (graph: Graph, stone: StoneValues) => Value];

/** The dataset's own columns, grades as their place from worst to best. Carat is the first feature. */
export const COLUMNS: readonly Feature[] = [
  ["carat", (_, stone) => stone.carat],
  ["cut", (graph, stone) => gradeCode(graph, "cut", stone.cut)],
  ["color", (graph, stone) => gradeCode(graph, "color", stone.color)],
  ["clarity", (graph, stone) => gradeCode(graph, "clarity", stone.clarity)],
  ["depth", (_, stone) => stone.depth],
  ["table", (_, stone) => stone.table],
  ["x", (_, stone) => stone.x],
  ["y", (_, stone) => stone.y],
  ["z", (_, stone) => stone.z],
];
const CARAT = 0;

/** What the trees sum up to. */
interface Target {
  /** What they are fitted on, from prices in US dollars and weights in carats. */
  of(price: number, carat: number): number;
  /** The price in US dollars from their sum. */
  price(sum: number, carat: number): number;
  /** The same as nodes: float [N] each. */
  nodes(graph: Graph, sum: Value, carat: Value): Value;
  /** What to add to all sums so that the error in dollars is least: trees that fit another target miss it. */
  correction?(prices: ArrayLike<number>, predicted: ArrayLike<number>): number;
}

export const TARGETS = {
  price: {
    of: (price) => price,
    price: (sum) => sum,
    nodes: (_, sum) => sum,
  },
  /** Errors count in relative terms, and the trees need not learn that weight multiplies the price. */
  "log price per carat": {
    of: (price, carat) => Math.log(price / carat),
    price: (sum, carat) => Math.exp(sum) * carat,
    nodes: (graph, sum, carat) => graph.mul(graph.exp(sum), carat),
    correction: (prices, predicted) =>
      Math.log(
        weightedMedian(
          Float64Array.from(prices, (price, row) => price / predicted[row]!),
          predicted,
        ),
      ),
  },
} as const satisfies Record<string, Target>;

/** Regression trees, boosted as XGBoost boosts them, over some features. */
export function boostedTrees(model: {
  readonly name: string;
  readonly features: readonly Feature[];
  readonly target: keyof typeof TARGETS;
  /** All but the seed, which is the run's. */
  readonly parameters: Omit<BoostingParameters, "seed">;
}): PriceModel {
  const { name, features, parameters } = model;
  const target: Target = TARGETS[model.target];
  const names = features.map(([feature]) => feature);
  return {
    name,
    hyperparameters: { ...parameters, target: model.target, features: names },
    featureNames: names,

    features(graph, stone) {
      const columns = features.map(([, nodes]) => graph.unsqueeze(nodes(graph, stone), 1));
      return graph.concat(columns, 1);
    },

    async fit({ features: matrix, prices }, { seed, onProgress }) {
      const carat = matrix.columns[CARAT]!;
      const y = prices.map((price, row) => target.of(price, carat[row]!));
      const options = onProgress ? { onRound: onProgress } : {};
      const { fitted, ...grown } = await fitEnsemble(matrix, y, { ...parameters, seed }, options);
      const priced = (sums: Float32Array, { columns }: Matrix) =>
        sums.map((sum, row) => target.price(sum, columns[CARAT]![row]!));
      const correction = target.correction?.(prices, priced(fitted, matrix)) ?? 0;
      const ensemble = { ...grown, baseScore: Math.fround(grown.baseScore + correction) };
      const gain = gainImportance(ensemble);
      return {
        price: (graph, values) =>
          target.nodes(graph, trees(graph, values, ensemble), graph.gather(values, graph.int64(CARAT), 1)),
        predict: (values) => priced(predictEnsemble(ensemble, values), values),
        ...(target.correction && { settled: { correction } }),
        importance: Object.fromEntries(names.map((feature, i) => [feature, gain[i] ?? 0])),
      };
    },
  };
}
