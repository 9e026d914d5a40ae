import type { Series } from "./results.ts";

/**
 * The exponent b of a time that grows like size^b: 0 is a constant time, 1 a time in proportion to the size. It
 * is the slope of the straight line through the points on logarithmic axes (least squares).
 */
export function computeGrowthExponent(points: Series["points"]): number {
  const logs = points.map(({ size, ms }) => ({ x: Math.log(size), y: Math.log(ms) }));
  const meanX = logs.reduce((sum, { x }) => sum + x, 0) / logs.length;
  const meanY = logs.reduce((sum, { y }) => sum + y, 0) / logs.length;
  const covariance = logs.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0);
  const variance = logs.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0);
  return covariance / variance;
}
