import { Matrix as DenseMatrix, solve } from "ml-matrix";
import { GRADE_COLUMNS, GRADES, type GradeColumn } from "../../src/domain/diamond.ts";
import type { Matrix } from "../boosting/index.ts";
import type { PriceModel, TrainingSet } from "./model.ts";

/** The dummy variables: all grades of each column except the worst, which is the reference level. */
const DUMMIES = GRADE_COLUMNS.map((column) => ({ column, grades: GRADES[column].slice(1) as string[] }));

/**
 * The linear regression of the notebook that Facet started from: ordinary least squares of log price on
 * carat, length x and dummies of the grades.
 */
export const logLinear: PriceModel = {
  name: "log-linear",
  hyperparameters: { target: "log price", features: ["carat", "x", "cut", "color", "clarity"] },
  featureNames: [
    "carat",
    "x",
    ...DUMMIES.flatMap(({ column, grades }) => grades.map((grade) => `${column}=${grade}`)),
  ],

  addFeatures(graph, stone) {
    const columns = [graph.unsqueeze(stone.carat, 1), graph.unsqueeze(stone.x, 1)];
    const dummies = DUMMIES.map(({ column, grades }: { column: GradeColumn; grades: string[] }) =>
      graph.addNode(
        "OneHotEncoder",
        [stone[column]],
        { cats_strings: grades, zeros: 1 },
        { domain: "ai.onnx.ml", type: "float", rank: 2 },
      ),
    );
    return graph.concat([...columns, ...dummies], 1);
  },

  async fit(training) {
    const { weights, intercept } = fitLeastSquares(training);
    return {
      addPrice(graph, features) {
        // Float64 is needed: a float32 sum of logarithms would be wrong by a few millionths of the price.
        const product = graph.matMul(
          graph.cast(features, "double"),
          graph.doubleConstant(weights, [weights.length, 1]),
        );
        const logPrice = graph.add(graph.squeeze(product, 1), graph.doubleConstant(intercept));
        return graph.cast(graph.exp(logPrice), "float");
      },
      predict: (features) => predictPrices(features, weights, intercept),
      fittedParameters: { intercept, weights },
    };
  },
};

/**
 * Fits log prices by ordinary least squares. Solves the centred normal equations by singular value
 * decomposition, so the weight of a grade without training rows is 0. Other solvers would fail on the
 * singular matrix.
 */
export function fitLeastSquares({ features, prices }: TrainingSet): {
  weights: number[];
  intercept: number;
} {
  const { columns, rows } = features;
  const target = Float64Array.from(prices, Math.log);
  const means = columns.map(computeMean);
  const targetMean = computeMean(target);
  const gram = DenseMatrix.zeros(columns.length, columns.length);
  const moments = DenseMatrix.zeros(columns.length, 1);
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

function computeMean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i]!;
  return sum / values.length;
}

function predictPrices(features: Matrix, weights: readonly number[], intercept: number): Float64Array {
  const logPrices = new Float64Array(features.rows).fill(intercept);
  features.columns.forEach((column, i) => {
    for (let row = 0; row < features.rows; row++) logPrices[row]! += column[row]! * weights[i]!;
  });
  return logPrices.map(Math.exp);
}
