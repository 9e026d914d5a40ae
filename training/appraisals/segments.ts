import { findCaratBand } from "../../src/domain/carat-bands.ts";
import type { Stone } from "../../src/domain/diamond.ts";

/** The segment of all stones. */
export const ALL = "all";

/** One function a division of the market. Each stone is in one segment of each division. */
export const DIVISIONS: readonly ((stone: Stone) => string)[] = [
  () => ALL,
  ({ carat }) => `${findCaratBand(carat)} carat`,
  ({ cut }) => `cut ${cut}`,
  ({ color }) => `color ${color}`,
  ({ clarity }) => `clarity ${clarity}`,
];

/** Counts stones by segment. */
export function countSegments(stones: Iterable<Stone>): Map<string, number> {
  const counts = new Map<string, number>();
  for (const stone of stones)
    for (const findSegment of DIVISIONS) {
      const segment = findSegment(stone);
      counts.set(segment, (counts.get(segment) ?? 0) + 1);
    }
  return counts;
}
