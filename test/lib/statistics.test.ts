import fc from "fast-check";
import { expect, test } from "vitest";
import { median, weightedMedian } from "../../src/lib/statistics.ts";

const positive = fc.double({ min: 0.01, max: 1e6, noNaN: true });

test("the weighted median of ratios is the factor of least absolute error, tried against every ratio", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(positive, positive), { minLength: 1, maxLength: 30 }), (rows) => {
      const error = (factor: number) =>
        rows.reduce((sum, [actual, predicted]) => sum + Math.abs(actual - factor * predicted), 0);
      const ratios = rows.map(([actual, predicted]) => actual / predicted);
      const found = weightedMedian(
        ratios,
        rows.map(([, predicted]) => predicted),
      );
      const least = Math.min(...ratios.map(error));
      expect(error(found)).toBeLessThanOrEqual(least * (1 + 1e-9) + 1e-6);
    }),
  );
});

test("with equal weights it is a median; of nothing it is none", () => {
  expect(weightedMedian([5, 1, 3], [2, 2, 2])).toBe(median([5, 1, 3]));
  expect(weightedMedian([], [])).toBeNaN();
  expect(median([])).toBeNaN();
});
