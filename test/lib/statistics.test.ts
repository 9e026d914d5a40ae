import fc from "fast-check";
import { expect, test } from "vitest";
import { median, weightedMedian } from "../../src/lib/statistics.ts";

const positive = fc.double({ min: 0.01, max: 1e6, noNaN: true });

test("the weighted median of the ratios minimises the absolute error: no other ratio has a smaller one", () => {
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

test("with equal weights, the weighted median is the median", () => {
  expect(weightedMedian([5, 1, 3], [2, 2, 2])).toBe(median([5, 1, 3]));
});

test.each([
  [[3], 3],
  [[3, 1], 2],
  [[5, 1, 3], 3],
  [[10, 1, 9, 2], 5.5],
])("the median of %o is %f", (values, expected) => {
  expect(median(values)).toBe(expected);
  expect(median(Float32Array.from(values))).toBe(expected);
});

test("the median leaves its values in their order", () => {
  const values = [3, 1, 2];
  median(values);
  expect(values).toEqual([3, 1, 2]);
});

test("no values have no median", () => {
  expect(median([])).toBeNaN();
  expect(weightedMedian([], [])).toBeNaN();
});
