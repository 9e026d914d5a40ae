import {
  type CalibratedGroup,
  type Calibration,
  QUANTILE_LEVELS,
} from "../../src/domain/prediction/calibration.ts";

/** Real prices between (1 - error) and 1 / (1 - error) times the model's price. */
function createGroup(errors: readonly [number, number]): CalibratedGroup {
  // Quantiles that are linear in the level on a logarithmic scale would not give round numbers.
  const toQuantiles = (error: number) =>
    QUANTILE_LEVELS.map((level) =>
      level <= 0.5
        ? Math.log(1 - error * Math.min(1, (0.5 - level) / 0.5))
        : -Math.log(1 - error * Math.min(1, (level - 0.5) / 0.5)),
    );
  const coverages = [{ coverage: 0.9, measured: 0.9, medianWidth: 0.2 }];
  return {
    rows: 1000,
    bands: [
      { from: 0, to: 1, rows: 600, quantiles: toQuantiles(errors[0]) },
      { from: 1, to: null, rows: 400, quantiles: toQuantiles(errors[1]) },
    ],
    test: { rows: 100, coverages, bands: { "0.5-1": { rows: 60, coverages } } },
  };
}

/** A calibration with simple numbers, in two bands. */
export const calibration: Calibration = {
  method: "cross-fitting",
  levels: [...QUANTILE_LEVELS],
  withSize: createGroup([0.1, 0.2]),
  withoutSize: createGroup([0.2, 0.4]),
};
