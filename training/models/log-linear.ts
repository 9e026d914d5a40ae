import { Matrix, solve } from "ml-matrix";
import { GRADE_COLUMNS, GRADES, type GradeColumn } from "../../src/domain/diamond.ts";
import type { Matrix as Features } from "../boosting/index.ts";
import type { PriceModel, TrainingSet } from "./model.ts";

/** Each column's grades but the worst, which is the baseline that the others are measured against. */
const DUMMIES = GRADE_COLUMNS.map((column) => ({ column, grades: GRADES[column].slice(1) as string[] }));

/**
 * Ordinary least squares of log price on carat, length x and dummies of the grades, as the notebook that
 * this project grew out of has it.
 */
export const logLinear: PriceModel = {
  name: "log-linear",
  hyperparameters: { target: "log price", features: ["carat", "x", "cut", "color", "clarity"] },
  featureNames: [
    "carat",
    "x",
    ...DUMMIES.flatMap(({ column, grades }) => grades.map((g) => `${column}=${g}`)),
  ],

  features(graph, stone) {
    const columns = [graph.unsqueeze(stone.carat, 1), graph.unsqueeze(stone.x, 1)];
    const dummies = DUMMIES.map(({ column, grades }: { column: GradeColumn; grades: string[] }) =>
      graph.op(
        "OneHotEncoder",
        [stone[column]],
        { cats_strings: grades, zeros: 1 },
        { domain: "ai.onnx.ml", type: "float", rank: 2 },
      ),
    );
    return graph.concat([...columns, ...dummies], 1);
  },

  async fit(training) {
    const { weights, intercept } = leastSquaresOfLog(training);
    return {
      price(graph, features) {
        // In double: a float32 sum of logs would be off by a few millionths of the price.
        const product = graph.matMul(
          graph.cast(features, "double"),
          graph.double(weights, [weights.length, 1]),
        );
        const log = graph.add(graph.squeeze(product, 1), graph.double(intercept));
        return graph.cast(graph.exp(log), "float");
      },
      predict: (features) => predict(features, weights, intercept),
      settled: { intercept, weights },
    };
  },
};

/**
 * Solves the centred normal equations by SVD, so that a grade that no training row has gets the weight 0
 * rather than failing the fit.
 */
export function leastSquaresOfLog({ features, prices }: TrainingSet): {
  weights: number[];
  intercept: number;
} {
  const { columns, rows } = features;
  const target = Float64Array.from(prices, Math.log);
  const means = columns.map(mean);
  const targetMean = mean(target);
  const gram = Matrix.zeros(columns.length, columns.length);
  const moments = Matrix.zeros(columns.length, 1);
  columns.forEach((a, i) => {
    columns.slice(0, i + 1).forEach((b, j) => {
      let sum = 0;
      for (let row = 0; row < rows; row++) sum += (a[row]! - means[i]!) * (b[row]! - means[j]!);
      gram.set(i, j, sum);
      gram.set(j, i, sum);
    });
    let sum = 0;
    for (let row = 0; row < rows; row++) sum += (a[row]! - means[i]!) * (target[row]! - targetMean);
    moments.set(i, 0, sum);
  });
  const weights = solve(gram, moments, true).to1DArray();
  const intercept = weights.reduce((rest, weight, i) => rest - weight * means[i]!, targetMean);
  return { weights, intercept };
}

function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

function predict(features: Features, weights: readonly number[], intercept: number): Float64Array {
  const prices = new Float64Array(features.rows).fill(intercept);
  features.columns.forEach((column, i) => {
    for (let row = 0; row < features.rows; row++) prices[row]! += column[row]! * weights[i]!;
  });
  return prices.map(Math.exp);
}
