/**
 * How the numbers of a stone depend on each other. Depth is 200 z / (x + y), or 100 z / width for long stones that are
 * described by their width. x y z is about 163 mm³ per carat. The bounds are wider than those of the embedded stones
 * and of the usual formulas for other shapes (0.0080 carat per mm³ for an emerald cut, 0.0058 for a marquise).
 */
import type { NumberColumn } from "../diamond.ts";

export type Measurements = Readonly<Record<NumberColumn, number>>;
export type Interval = readonly [low: number, high: number];

export const MM3_PER_CARAT = 163;
/** Depths and tables of stones, percent. */
export const DEPTHS: Interval = [40, 90];
export const TABLES: Interval = [40, 95];
const VOLUMES: Interval = [105, 195];
/** No stone is smaller, millimetres. */
const MIN_WIDTH = 0.8;
/** No stone is longer in relation to its width. */
const MAX_LENGTH_BY_WIDTH = 2.6;

/** The depth that x, y and z give, percent. */
export function computeDepth({ x, y, z }: Measurements): number {
  return (200 * z) / (x + y);
}

/** The weight that x, y and z give, carats. */
export function computeWeight({ x, y, z }: Measurements): number {
  return (x * y * z) / MM3_PER_CARAT;
}

/** x y z by the weight, mm³ per carat. */
export function computeVolumeByCarat({ carat, x, y, z }: Measurements): number {
  return (x * y * z) / carat;
}

/**
 * Whether the weight, depth, x, y and z fit each other, and are those of a stone. The table depends on nothing.
 * @param depthTolerance percent
 */
export function fits(stone: Measurements, depthTolerance: number, volumes = VOLUMES): boolean {
  const { depth, x, y, z } = stone;
  const width = Math.min(x, y);
  return (
    isInside(computeVolumeByCarat(stone), volumes) &&
    isInside(depth, DEPTHS) &&
    width >= MIN_WIDTH &&
    Math.max(x, y) <= MAX_LENGTH_BY_WIDTH * width &&
    (Math.abs(depth - computeDepth(stone)) <= depthTolerance ||
      Math.abs(depth - (100 * z) / width) <= depthTolerance)
  );
}

/** Whether x and y are almost equal, so that depth can have one meaning only. */
export function isRound({ x, y }: Pick<Measurements, "x" | "y">): boolean {
  return isInside(x / y, [0.95, 1.05]);
}

/** Multiplies some columns by a factor. */
export function scale(stone: Measurements, columns: readonly NumberColumn[], factor: number): Measurements {
  const scaled = { ...stone };
  for (const name of columns) scaled[name] *= factor;
  return scaled;
}

export function isInside(value: number, interval: Interval): boolean {
  return value >= interval[0] && value <= interval[1];
}
