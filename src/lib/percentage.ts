import { hashText } from "./hash.ts";

/**
 * Whether a key belongs to a percentage of all keys. The answer for a key is always the same, and a key that
 * belongs to a percentage belongs to every higher one.
 */
export function isInPercentage(key: string, percent: number): boolean {
  return (hashText(key) / 2 ** 32) * 100 < percent;
}
