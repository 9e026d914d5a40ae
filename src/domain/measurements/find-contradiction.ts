/**
 * Finds stones whose numbers contradict each other by a factor, because a unit is wrong or columns are exchanged. A
 * single wrong digit is no such contradiction: models learn from those stones how far depth may be from x, y and z.
 */
import { NUMBER_COLUMNS, type NumberColumn } from "../diamond.ts";
import {
  type Contradiction,
  describeExchange,
  describePercentages,
  describeSizes,
  describeWeight,
} from "./describe.ts";
import {
  computeDepth,
  computeVolumeByCarat,
  computeWeight,
  DEPTHS,
  fits,
  type Interval,
  isInside,
  isRound,
  type Measurements,
  scale,
  TABLES,
} from "./relations.ts";

const FRACTIONS: Interval = [0.3, 0.95];
/** No depth and no table is lower, whatever the shape. */
export const MIN_PERCENT = 20;
/** A weight without a unit that explains it is a contradiction by such a factor only. */
const CLEAR_FACTOR = 60;
/** How well depth must fit x, y and z after a conversion, percent. */
const DEPTH_TOLERANCE = 3;

/** Factors that convert to millimetres, for units that people write sizes in. */
export const USUAL_LENGTH_UNITS = [
  [10, "centimetres"],
  [25.4, "inches"],
  [0.1, "tenths of a millimetre"],
] as const;
const LENGTH_UNITS = [
  ...USUAL_LENGTH_UNITS,
  [0.01, "hundredths of a millimetre"],
  [0.001, "micrometres"],
  [1000, "metres"],
] as const;
/** Factors that convert to carats. */
const WEIGHT_UNITS = [
  [5, "grams"],
  [0.01, "points"],
  [0.005, "milligrams"],
] as const;
/** A single dimension is not here: its decimal point may be misprinted. */
const DIMENSION_GROUPS = [
  ["x", "y", "z"],
  ["x", "y"],
  ["x", "z"],
  ["y", "z"],
] as const;

/**
 * All other orders of the number columns, as positions. Those that move the fewest columns are first. The one that
 * exchanges only depth and table is left out, see {@link hasDepthInTable}.
 */
function buildOrders(): readonly (readonly number[])[] {
  return listOrders(NUMBER_COLUMNS.map((_, i) => i))
    .map((order) => ({ order, moved: order.filter((position, i) => position !== i).length }))
    .filter(({ order, moved }) => moved > 0 && !isDepthTableExchange(order))
    .sort((a, b) => a.moved - b.moved)
    .map(({ order }) => order);
}
/** Built when it is needed for the first time, so that a Worker starts without it. */
let orders: ReturnType<typeof buildOrders> | undefined;

/** Whether depth and table are exchanged. x and y may be too, which changes nothing. */
function isDepthTableExchange([carat, depth, table, , , z]: readonly number[]): boolean {
  return carat === 0 && depth === 2 && table === 1 && z === 5;
}

function listOrders(positions: readonly number[]): number[][] {
  if (positions.length === 0) return [[]];
  return positions.flatMap((first) =>
    listOrders(positions.filter((position) => position !== first)).map((rest) => [first, ...rest]),
  );
}

/** Finds the contradiction in the numbers of a stone, which must be above 0; null if there is none. */
export function findContradiction(stone: Measurements): Contradiction | null {
  if (isUsual(stone, 1)) return null;
  if (hasDepthInTable(stone)) return describeDepthInTable(stone);
  if (isUsual(stone, 8)) return null;
  return (
    findFractions(stone) ??
    findWrongUnit(stone) ??
    findExchange(stone) ??
    findWrongDepth(stone) ??
    findWrongTable(stone) ??
    findWrongWeight(stone)
  );
}

/**
 * Whether no number is off by a factor. This decides almost all stones, so it must be quick.
 * @param maxGap between depth and what x, y and z give, percent
 */
export function isUsual({ carat, depth, table, x, y, z }: Measurements, maxGap: number): boolean {
  const volume = x * y * z;
  return (
    table >= MIN_PERCENT &&
    depth >= MIN_PERCENT &&
    Math.abs(depth - (200 * z) / (x + y)) < maxGap &&
    volume > 100 * carat &&
    volume < 220 * carat
  );
}

/** A depth that fits x, y and z as a fraction, and the table with it if that is one too. */
function findFractions(stone: Measurements): Contradiction | null {
  const { depth, table } = stone;
  if (!isInside(depth, FRACTIONS) || Math.abs(100 * depth - computeDepth(stone)) > DEPTH_TOLERANCE)
    return null;
  if (isInside(table, FRACTIONS)) return describePercentages(stone, ["depth", "table"], "fractions");
  return describePercentages(stone, ["depth"], "a fraction");
}

/** Weight or dimensions in another unit, if the numbers fit each other after the conversion. */
function findWrongUnit(stone: Measurements): Contradiction | null {
  for (const columns of DIMENSION_GROUPS) {
    for (const [factor, unit] of LENGTH_UNITS)
      if (fits(scale(stone, columns, factor), DEPTH_TOLERANCE)) return describeSizes(stone, columns, unit);
  }
  // The weight by the volume is off by the same factor in milligrams.
  const isSmall = stone.x < 3 && stone.y < 3 && stone.carat < 5;
  if (isSmall && fits(scale(scale(stone, ["x", "y", "z"], 10), ["carat"], 5), DEPTH_TOLERANCE))
    return describeSizes(stone, ["carat", "x", "y", "z"], "grams and centimetres");
  for (const [factor, unit] of WEIGHT_UNITS)
    if (fitsWeight(stone, factor)) return describeWeight(stone, unit);
  return null;
}

/** Whether the weight fits after a conversion. Most wrong digits are farther away; grams may have two decimals. */
function fitsWeight(stone: Measurements, factor: number): boolean {
  const converted = scale(stone, ["carat"], factor);
  if (!fits(converted, DEPTH_TOLERANCE, isRound(stone) ? [80, 260] : undefined)) return false;
  const expected = computeWeight(stone);
  return !isRound(stone) || Math.abs(converted.carat - expected) <= 0.08 * expected + 0.005 * factor;
}

/** Numbers that fit each other only in other columns. */
function findExchange(stone: Measurements): Contradiction | null {
  const { x, y, z } = stone;
  if (fits(stone, DEPTH_TOLERANCE)) return null;
  for (const name of ["x", "y"] as const) {
    const exchanged = { ...stone, [name]: z, z: stone[name] };
    // No stone is deeper than it is wide.
    if (z > Math.min(x, y) && fits(exchanged, 1)) return describeExchange(stone, exchanged);
  }
  const values = NUMBER_COLUMNS.map((name) => stone[name]);
  orders ??= buildOrders();
  for (const order of orders) {
    // Few orders have a depth, a table and almost equal x and y, so the others cost little.
    if (!isInside(values[order[1]!]!, DEPTHS) || !isInside(values[order[2]!]!, TABLES)) continue;
    if (!isRound({ x: values[order[3]!]!, y: values[order[4]!]! })) continue;
    const exchanged = {} as Record<NumberColumn, number>;
    for (let i = 0; i < order.length; i++) exchanged[NUMBER_COLUMNS[i]!] = values[order[i]!]!;
    if (fits(exchanged, 0.6, [145, 178])) return describeExchange(stone, exchanged);
  }
  return null;
}

/**
 * Whether the table has the depth of the stone. A table that is a whole number may have it by chance, beside a
 * misprinted depth.
 */
function hasDepthInTable(stone: Measurements): boolean {
  return fitsExchangedDepth(stone, 0.3, 2) && !Number.isInteger(stone.table);
}

/** Whether x, y and z give what the table has, and not what the depth has. The distances are in percent. */
export function fitsExchangedDepth(stone: Measurements, maxDistance: number, minDistance: number): boolean {
  const expected = computeDepth(stone);
  return (
    Math.abs(stone.depth - expected) > minDistance &&
    Math.abs(stone.table - expected) <= maxDistance &&
    isInside(stone.depth, TABLES) &&
    isRound(stone) &&
    isInside(computeVolumeByCarat(stone), [130, 200])
  );
}

export function describeDepthInTable(stone: Measurements): Contradiction {
  return describeExchange(stone, { ...stone, depth: stone.table, table: stone.depth });
}

/** A depth that is no percentage, while the other numbers agree with each other. */
function findWrongDepth(stone: Measurements): Contradiction | null {
  const { depth } = stone;
  if (depth >= 1 && !fits({ ...stone, depth: computeDepth(stone) }, 1)) return null;
  const guess = guessDepthUnit(stone);
  // Most depths have one decimal, and two if they are divided by ten. 6.1 can be 61.1 with a lost digit.
  const isMisprint = guess === TENTH && Number.isInteger(depth * 10);
  const isWrong = depth < FRACTIONS[1] || (guess !== null && !isMisprint);
  return isWrong ? describePercentages(stone, ["depth"], guess) : null;
}

/** A table that is no percentage. A whole number may be the rest of one with a lost digit. */
function findWrongTable(stone: Measurements): Contradiction | null {
  const { table } = stone;
  if (table >= MIN_PERCENT || Number.isInteger(table)) return null;
  const guess = guessTableUnit(stone);
  return guess !== null || table < 1 ? describePercentages(stone, ["table"], guess) : null;
}

const TENTH = "a tenth of it";

/** What a depth below {@link MIN_PERCENT} may be; null if nothing explains it. */
export function guessDepthUnit({ depth, z, ...others }: Measurements): string | null {
  if (depth >= MIN_PERCENT) return null;
  const expected = computeDepth({ depth, z, ...others });
  if (isInside(depth, FRACTIONS)) return "a fraction";
  if (Math.abs(depth - z) < 0.02) return "millimetres";
  return Math.abs(10 * depth - expected) < 1.5 ? TENTH : null;
}

/** What a table below {@link MIN_PERCENT} may be; null if nothing explains it. */
export function guessTableUnit({ table, x, y }: Measurements): string | null {
  if (isInside(table, FRACTIONS)) return "a fraction";
  if (isInside((100 * table) / Math.min(x, y), [43, 80])) return "millimetres";
  return isInside(10 * table, TABLES) ? TENTH : null;
}

/** A weight that is far from the one that the other numbers agree on. */
function findWrongWeight(stone: Measurements): Contradiction | null {
  const depth = computeDepth(stone);
  if (Math.abs(stone.depth - depth) > DEPTH_TOLERANCE || !isInside(depth, DEPTHS)) return null;
  const factor = computeWeight(stone) / stone.carat;
  return isInside(factor, [1 / CLEAR_FACTOR, CLEAR_FACTOR]) ? null : describeWeight(stone, null);
}
