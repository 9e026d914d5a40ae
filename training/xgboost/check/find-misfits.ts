import { GRADE_COLUMNS, type PricedStone, STONE_COLUMNS } from "../../../src/domain/diamond.ts";
import { type FeatureColumn, isGradeColumn } from "../features.ts";
import type { XgboostModel } from "../model.ts";
import type { LogTarget } from "../to-graph.ts";
import { listCodeAlternatives, listColumnAlternatives, listSwaps } from "./alternatives.ts";
import { type Mismatches, measureMismatches } from "./cover.ts";
import { computePrices, computeValues, type DerivedValues } from "./predict.ts";

/**
 * Objectives whose covers are numbers of rows. The covers of others depend on the price, and so on the columns
 * of numbers: only the grades, which depend little on the price, are compared for them.
 */
const COUNTING_OBJECTIVES = ["reg:squarederror", "reg:absoluteerror"];
/** Later trees split like the first ones. */
const MAX_TREES = 60;
/**
 * The mismatch that a right model can have. Models of 500 to 54,000 stones of the same kind stay below 3 % for
 * grades and 8 % for numbers, and wrong codes are above 8 %. A model that was trained on other stones, such as
 * expensive ones, has more: then only a better alternative or a large error counts.
 */
const MAX_MISMATCH = { grade: 0.06, number: 0.12 };
/** Above this mismatch, a column is wrong whatever the error is. */
const CERTAIN_MISMATCH = 0.45;
/** An alternative fits if its mismatch is at most this fraction. */
const MAX_ALTERNATIVE_FRACTION = 0.5;
/** An alternative must make the error smaller. A wrong order of cuts makes it only 7 % larger. */
const MAX_ALTERNATIVE_ERROR_RATIO = 0.97;
/** Above this error, relative to our simplest model, a column that does not fit is wrong. */
const SUSPICIOUS_ERROR_RATIO = 1.2;
/** Splits on missing values have a condition above all values, which XGBoost computes from the largest one. */
const MISSING_SPLIT_TOLERANCE = 1e-3;

export interface MisfitOptions {
  readonly missing: number | undefined;
  readonly log: LogTarget;
  /** The values of the model's derived features. */
  readonly derived?: DerivedValues;
  /** The model's error on the stones, divided by the error of our simplest model. */
  readonly errorRatio: number;
}

/**
 * Finds columns and codes that contradict the model's own expectations: splits at codes that no grade has, and
 * splits that send other shares of the stones left than in the model's training. An alternative is only named
 * if it also makes the error smaller.
 * @param stones training stones of the run
 * @returns a sentence per fault, with what would be right if it is known; empty if all columns fit
 */
export function findMisfits(
  model: XgboostModel,
  stones: readonly PricedStone[],
  options: MisfitOptions,
): string[] {
  const trees = model.ensemble.trees.slice(0, MAX_TREES);
  const { derived } = options;
  const hasCounts = COUNTING_OBJECTIVES.includes(model.objective);
  const measure: Measure = (features, missing = options.missing) => {
    const all = measureMismatches(trees, features, stones, { missing, derived });
    return hasCounts ? all : new Map([...all].filter(([column]) => isGradeColumn(column)));
  };
  const mismatches = measure(model.features);
  const highSplits = findHighSplits(model);
  const suspicious = [...new Set([...highSplits.keys(), ...mismatches.keys()])].filter(
    (column) => highSplits.has(column) || isAboveLimit(column, mismatches),
  );
  if (suspicious.length === 0) return [];

  const computeError = (features: Features, missing = options.missing) =>
    computeMeanError(
      computePrices(model, computeValues(features, stones, { missing, derived }), stones, options.log),
      stones,
    );
  const error = computeError(model.features);
  const context: SearchContext = {
    model,
    mismatches,
    suspicious,
    measure,
    hasSmallerError: (features, missing) =>
      !(computeError(features, missing) > MAX_ALTERNATIVE_ERROR_RATIO * error),
  };
  const whole = findColumnOrder(context) ?? findMissingValue(context, options.missing);
  if (whole !== null) return [whole];
  const alternatives = [findCodes(context), findSwap(context)].filter((one) => one !== null);
  if (alternatives.length > 0) return alternatives;
  return describeUnexplained(context, highSplits, options.errorRatio);
}

/** Describes columns that do not fit, without an alternative. Other stones than ours can be the reason too. */
function describeUnexplained(
  { suspicious, mismatches }: SearchContext,
  highSplits: ReadonlyMap<FeatureColumn, string>,
  errorRatio: number,
): string[] {
  const wrong = suspicious.filter(
    (column) =>
      !highSplits.has(column) &&
      (errorRatio > SUSPICIOUS_ERROR_RATIO || (mismatches.get(column) ?? 0) > CERTAIN_MISMATCH),
  );
  if (wrong.length === 0) return [...highSplits.values()];
  const advice = wrong.some(isGradeColumn)
    ? "codes mean other grades (--categories), or columns have other names (--features)"
    : "columns have other names (--features) or other units";
  return [...highSplits.values(), `${describeMismatches(wrong, mismatches)}: ${advice}`];
}

type Features = XgboostModel["features"];
type Measure = (features: Features, missing?: number) => Mismatches;

interface SearchContext {
  readonly model: XgboostModel;
  readonly mismatches: Mismatches;
  readonly suspicious: readonly FeatureColumn[];
  readonly measure: Measure;
  readonly hasSmallerError: (features: Features, missing?: number) => boolean;
}

function findColumnOrder(context: SearchContext): string | null {
  const { model, mismatches, suspicious, measure, hasSmallerError } = context;
  const order = listColumnAlternatives(model).find(
    ({ features }) => isBetter(mismatches, measure(features), suspicious) && hasSmallerError(features),
  );
  if (order === undefined) return null;
  const map = Object.fromEntries(order.columns.map((column, i) => [`f${i}`, column]));
  return (
    `the features are not ${STONE_COLUMNS.join(", ")} in this order; they fit as ${order.columns.join(", ")}: ` +
    `--features with ${JSON.stringify(map)}`
  );
}

function findMissingValue(context: SearchContext, missing: number | undefined): string | null {
  const { model, mismatches, suspicious, measure, hasSmallerError } = context;
  if (missing !== undefined || !isBetter(mismatches, measure(model.features, 0), suspicious)) return null;
  if (!hasSmallerError(model.features, 0)) return null;
  return (
    `${describeMismatches(suspicious, mismatches)}. They fit if the model was trained with 0 as a missing value, ` +
    "as in a sparse matrix: --missing 0"
  );
}

/** Finds common codes that fit better, column by column. */
function findCodes(context: SearchContext): string | null {
  const { model, mismatches, suspicious, measure, hasSmallerError } = context;
  const columns = GRADE_COLUMNS.filter((column) => suspicious.includes(column));
  const alternatives = listCodeAlternatives(model).map((one) => {
    const after = measure(one.features);
    const fitting = columns.filter((column) => isColumnBetter(column, mismatches, after));
    return { ...one, fitting, mismatch: sumMismatches(after, fitting) };
  });
  // The alternative that fits most columns is preferred: the order of colours alone is often ambiguous.
  alternatives.sort((a, b) => b.fitting.length - a.fitting.length || a.mismatch - b.mismatch);
  const found = columns.flatMap((column) => {
    const best = alternatives.find(({ fitting }) => fitting.includes(column));
    return best === undefined ? [] : [{ column, best }];
  });
  const features = model.features.map(
    (feature, i) => found.find(({ column }) => column === feature.column)?.best.features[i] ?? feature,
  );
  if (found.length === 0 || !hasSmallerError(features)) return null;
  const names = Map.groupBy(found, ({ best }) => best.name);
  const codes = [...names].map(
    ([name, group]) => `${name} for ${group.map(({ column }) => column).join(", ")}`,
  );
  const file = Object.fromEntries(found.map(({ column, best }) => [column, best.toCategories(column)]));
  const explained = found.map(({ column }) => column);
  return (
    `${describeMismatches(explained, mismatches)}. The codes fit if they are ${codes.join(", ")}: ` +
    `--categories with ${JSON.stringify(file)}`
  );
}

function findSwap({ model, mismatches, suspicious, measure, hasSmallerError }: SearchContext): string | null {
  const swap = listSwaps(model, suspicious).find(({ features, swapped: [a, b] }) => {
    // In the swapped model the splits on a are those on b.
    const after = measure(features);
    const isFixed = (column: FeatureColumn, other: FeatureColumn) =>
      !isAboveLimit(other, after) &&
      (!isAboveLimit(column, mismatches) ||
        (after.get(other) ?? 0) <= MAX_ALTERNATIVE_FRACTION * (mismatches.get(column) ?? 0));
    return isFixed(a, b) && isFixed(b, a) && hasSmallerError(features);
  });
  if (swap === undefined) return null;
  const [a, b] = swap.swapped;
  const advice = `${a} and ${b} are swapped: --features with ${JSON.stringify({ [a]: b, [b]: a })}`;
  return `${describeMismatches([a], mismatches)}. They fit if ${advice}`;
}

/** Finds splits on codes at values that are higher than all codes, by column. */
function findHighSplits({ features, ensemble }: XgboostModel): Map<FeatureColumn, string> {
  const found = new Map<FeatureColumn, string>();
  for (const tree of ensemble.trees) {
    for (let node = 0; node < tree.left.length; node++) {
      const feature = features[tree.feature[node]!]!;
      if (tree.left[node] === -1 || tree.categories[node] !== undefined || !("codes" in feature)) continue;
      const highest = Math.max(...feature.codes.values());
      const threshold = tree.threshold[node]!;
      const isMissingSplit = Math.abs(threshold - 2 * highest) < MISSING_SPLIT_TOLERANCE;
      if (threshold <= highest || isMissingSplit || found.has(feature.column)) continue;
      const grade = [...feature.codes].find(([, code]) => code === highest)?.[0];
      found.set(
        feature.column,
        `the model splits ${feature.column} at ${threshold}, but the highest code is ${highest} (${feature.grade ?? grade}): ` +
          "the codes are others, for example from 1 as in R (--categories), or this is another column (--features)",
      );
    }
  }
  return found;
}

function isAboveLimit(column: FeatureColumn, mismatches: Mismatches): boolean {
  return (mismatches.get(column) ?? 0) > MAX_MISMATCH[isGradeColumn(column) ? "grade" : "number"];
}

/** Whether an alternative model fits all suspicious columns better, and no column badly. */
function isBetter(before: Mismatches, after: Mismatches, suspicious: readonly FeatureColumn[]): boolean {
  if ([...after.keys()].some((column) => isAboveLimit(column, after))) return false;
  return sumMismatches(after, suspicious) <= MAX_ALTERNATIVE_FRACTION * sumMismatches(before, suspicious);
}

function sumMismatches(mismatches: Mismatches, columns: readonly FeatureColumn[]): number {
  return columns.reduce((sum, column) => sum + (mismatches.get(column) ?? 0), 0);
}

function isColumnBetter(column: FeatureColumn, before: Mismatches, after: Mismatches): boolean {
  return (
    !isAboveLimit(column, after) &&
    (after.get(column) ?? 0) <= MAX_ALTERNATIVE_FRACTION * (before.get(column) ?? 0)
  );
}

function describeMismatches(columns: readonly FeatureColumn[], mismatches: Mismatches): string {
  const shares = columns.map(
    (column) => `${Math.round(100 * (mismatches.get(column) ?? 0))} % at splits on ${column}`,
  );
  return `training stones go another way through the trees than the model's own stones did (${shares.join(", ")})`;
}

function computeMeanError(prices: Float64Array, stones: readonly PricedStone[]): number {
  return stones.reduce((sum, { price }, i) => sum + Math.abs(prices[i]! - price), 0) / stones.length;
}
