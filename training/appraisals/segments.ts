import type { Stone } from "../../src/domain/diamond.ts";
import { GROUP_FINDERS } from "../evaluation/stone-groups.ts";

/** The segment of all stones. */
export const ALL = "all";

/** One function for each division of the market. Each stone is in one segment of each division. */
export const DIVISIONS: readonly ((stone: Stone) => string)[] = [() => ALL, ...GROUP_FINDERS];

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
