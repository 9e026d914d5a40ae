/**
 * Compares the least-squares fit with known coefficients, with the closed form, and with the property that
 * defines it.
 */
import { expect, test } from "vitest";
import { fitLeastSquares } from "../../../training/models/log-linear.ts";
import { createRandomTable } from "../boosting/random-table.ts";

test("finds the coefficients that the data was generated with", () => {
  const columns = [Float32Array.of(0, 1, 2, 3, 4, 5), Float32Array.of(1, 0, 1, 1, 0, 0)];
  const prices = Float32Array.from({ length: 6 }, (_, row) =>
    Math.exp(6 + 0.5 * columns[0]![row]! - 0.25 * columns[1]![row]!),
  );
  const { weights, intercept } = fitLeastSquares({ features: { rows: 6, columns }, prices });
  // Oracle: the coefficients in the formula of the prices.
  expect(intercept).toBeCloseTo(6, 6);
  expect(weights[0]).toBeCloseTo(0.5, 6);
  expect(weights[1]).toBeCloseTo(-0.25, 6);
});

test("agrees with the closed form for one feature: covariance over variance", () => {
  const x = Float32Array.of(0.3, 0.5, 0.9, 1.2, 2);
  const prices = Float32Array.of(500, 1500, 4000, 6000, 17000);
  const y = Array.from(prices, Math.log);
  const mean = (values: ArrayLike<number>) => Array.from(values).reduce((sum, value) => sum + value, 0) / 5;
  const [meanX, meanY] = [mean(x), mean(y)];
  const covariance = mean(Array.from(x, (value, i) => (value - meanX) * (y[i]! - meanY)));
  const slope = covariance / mean(Array.from(x, (value) => (value - meanX) ** 2));
  const { weights, intercept } = fitLeastSquares({ features: { rows: 5, columns: [x] }, prices });
  expect(weights[0]).toBeCloseTo(slope, 9);
  expect(intercept).toBeCloseTo(meanY - slope * meanX, 9);
});

test("the residuals are orthogonal to every feature, which defines the least squares", () => {
  const { x, y } = createRandomTable(300, 5);
  const prices = y.map((value) => 100 + Math.abs(value));
  const { weights, intercept } = fitLeastSquares({ features: x, prices });
  const residuals = Array.from(prices, (price, row) =>
    weights.reduce((rest, weight, i) => rest - weight * x.columns[i]![row]!, Math.log(price) - intercept),
  );
  const dot = (column: ArrayLike<number>) =>
    residuals.reduce((sum, rest, row) => sum + rest * column[row]!, 0);
  expect(dot(new Float32Array(300).fill(1))).toBeCloseTo(0, 8);
  for (const column of x.columns) expect(dot(column)).toBeCloseTo(0, 8);
});
