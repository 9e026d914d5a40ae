import { expect, test } from "vitest";
import { evaluate } from "../../../training/evaluation/evaluate.ts";

// Worked by hand: errors 10, -20, 0, 60 on prices 100, 200, 300, 400.
test("figures of four stones", () => {
  const metrics = evaluate({
    carats: [0.3, 0.4, 0.5, 2.5],
    actual: [100, 200, 300, 400],
    predicted: [110, 180, 300, 460],
  });
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
