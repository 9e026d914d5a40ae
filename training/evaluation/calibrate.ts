import { CARAT_BANDS } from "../../src/domain/carat-bands.ts";
import type { PricedStone } from "../../src/domain/diamond.ts";
import {
  type CalibratedGroup,
  type CalibrationBand,
  type CoverageFigures,
  computeRange,
  findBand,
  MEASURED_COVERAGES,
  QUANTILE_LEVELS,
} from "../../src/domain/prediction/calibration.ts";
import { median } from "../../src/lib/statistics.ts";

/** A stone with the price of a model that was not fitted on it, US dollars. */
export interface CalibrationStone extends Pick<PricedStone, "carat" | "price"> {
  readonly predicted: number;
}

/**
 * A band with fewer stones is merged with the next one. The outermost quantiles of a range with a coverage of
 * 0.99 need 199 stones.
 */
const MIN_BAND_STONES = 200;
/** With fewer stones in all, there is no calibration. */
const MIN_STONES = 100;

/**
 * Calibrates the distribution of real prices around a model's prices, and measures its coverage.
 * @param stones to calibrate on
 * @param test other stones, to measure the coverage on
 * @returns null if there are too few stones, or if one of the stones to calibrate on has no price
 */
export function calibrateGroup(
  stones: readonly CalibrationStone[],
  test: readonly CalibrationStone[],
): CalibratedGroup | null {
  if (stones.length < MIN_STONES || test.length === 0) return null;
  if (!stones.every(({ predicted }) => predicted > 0 && Number.isFinite(predicted))) return null;
  const bands = mergeBands(stones).map(({ from, to, members }) => ({
    from,
    to,
    rows: members.length,
    quantiles: computeQuantiles(members),
  }));
  return { rows: stones.length, bands, test: measureTestCoverage(bands, test) };
}

interface MergedBand {
  readonly from: number;
  readonly to: number | null;
  readonly members: readonly CalibrationStone[];
}

/** Groups stones by carat band, from the lightest. The last group takes the rest if that is too small. */
function mergeBands(stones: readonly CalibrationStone[]): MergedBand[] {
  const groups: MergedBand[] = [];
  let from = 0;
  let members: CalibrationStone[] = [];
  for (const band of CARAT_BANDS) {
    members = [...members, ...stones.filter(({ carat }) => carat >= band.from && carat < band.to)];
    const isLast = band.to === Number.POSITIVE_INFINITY;
    if (members.length < MIN_BAND_STONES && !isLast) continue;
    const previous = groups.at(-1);
    if (members.length < MIN_BAND_STONES && previous !== undefined) {
      groups[groups.length - 1] = { ...previous, to: null, members: [...previous.members, ...members] };
    } else {
      groups.push({ from, to: isLast ? null : band.to, members });
    }
    from = band.to;
    members = [];
  }
  return groups;
}

/**
 * The quantiles of the logarithmic errors. With n stones, the k-th smallest error has the level k / (n + 1),
 * which makes the coverage of a range exact on average (conformal prediction).
 */
function computeQuantiles(stones: readonly CalibrationStone[]): number[] {
  const errors = Float64Array.from(stones, ({ price, predicted }) => Math.log(price / predicted)).sort();
  return QUANTILE_LEVELS.map((level) => {
    const position = Math.min(Math.max(level * (errors.length + 1) - 1, 0), errors.length - 1);
    const below = Math.floor(position);
    const value = errors[below]! + (errors[Math.ceil(position)]! - errors[below]!) * (position - below);
    // Six decimals are a millionth of the price.
    return Math.round(value * 1e6) / 1e6;
  });
}

/** Measures the coverage on stones that were not used for the calibration: over all, and per carat band. */
function measureTestCoverage(
  calibrated: readonly CalibrationBand[],
  stones: readonly CalibrationStone[],
): CalibratedGroup["test"] {
  const bands: Record<string, CoverageFigures> = {};
  for (const { name, from, to } of CARAT_BANDS) {
    const members = stones.filter(({ carat }) => carat >= from && carat < to);
    if (members.length > 0) bands[name] = measureCoverage(calibrated, members);
  }
  return { ...measureCoverage(calibrated, stones), bands };
}

function measureCoverage(
  bands: readonly CalibrationBand[],
  stones: readonly CalibrationStone[],
): CoverageFigures {
  const coverages = MEASURED_COVERAGES.map((coverage) => {
    let inRange = 0;
    const widths = stones.map(({ carat, price, predicted }) => {
      const { quantiles } = findBand(bands, carat);
      const { low, high } = computeRange({ levels: QUANTILE_LEVELS, quantiles }, predicted, coverage);
      if (price >= low && price <= high) inRange++;
      return (high - low) / predicted;
    });
    return { coverage, measured: inRange / stones.length, medianWidth: median(widths) };
  });
  return { rows: stones.length, coverages };
}
