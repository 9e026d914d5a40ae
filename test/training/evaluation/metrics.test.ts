import { expect, test } from "vitest";
import { computeMetrics } from "../../../training/evaluation/metrics.ts";

// Computed by hand: the errors are 10, -20, 0 and 60 for the prices 100, 200, 300 and 400.
test("computes the metrics of four stones", () => {
  const stones = [
    { carat: 0.3, price: 100 },
    { carat: 0.4, price: 200 },
    { carat: 0.5, price: 300 },
    { carat: 2.5, price: 400 },
  ];
  const metrics = computeMetrics(stones, [110, 180, 300, 460]);
  expect(metrics.mae).toBeCloseTo(22.5, 10);
  expect(metrics.rmse).toBeCloseTo(Math.sqrt(4100 / 4), 10);
  expect(metrics.r2).toBeCloseTo(1 - 4100 / 50_000, 10);
  expect(metrics.mape).toBeCloseTo((0.1 + 0.1 + 0 + 0.15) / 4, 10);
  expect(metrics.medianApe).toBeCloseTo(0.1, 10);
  expect(metrics.within10).toBe(0.75);
  expect(metrics.rows).toBe(4);
  expect(Object.keys(metrics.bands)).toEqual(["0-0.5", "0.5-1", "2+"]);
  expect(metrics.bands["0-0.5"]).toMatchObject({ mae: 15, rows: 2 });
  expect(metrics.bands["2+"]).toMatchObject({ mae: 60, r2: null, rows: 1 });
});
