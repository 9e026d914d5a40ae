import { mix32 } from "../../src/lib/hash.ts";

/**
 * Returns a random 32-bit unsigned integer that depends only on the seed and the counter. The random number
 * of a row is therefore the same on every thread.
 */
export function randomUint32(seed: number, counter: number): number {
  return mix32(Math.imul(counter + 1, 0x9e37_79b1) ^ seed);
}

/** Draws `count` of the numbers 0 to `total - 1` without repetition, in ascending order. */
export function sampleIndices(total: number, count: number, seed: number): Int32Array {
  const indices = Int32Array.from({ length: total }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor((randomUint32(seed, i) / 2 ** 32) * (total - i));
    [indices[i], indices[j]] = [indices[j]!, indices[i]!];
  }
  return indices.slice(0, count).sort();
}
