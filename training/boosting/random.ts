/**
 * A random 32-bit number that depends on a seed and a counter alone (the finaliser of MurmurHash3 over both), so
 * that row 17 is drawn alike on whichever thread it lies.
 */
export function randomAt(seed: number, counter: number): number {
  let h = Math.imul(counter + 1, 0x9e37_79b1) ^ seed;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/** `count` of the numbers 0 to `total - 1`, without repetition, ascending. */
export function sampleIndices(total: number, count: number, seed: number): Int32Array {
  const drawn = Int32Array.from({ length: total }, (_, i) => i);
  for (let i = 0; i < count; i++) {
    const j = i + Math.floor((randomAt(seed, i) / 2 ** 32) * (total - i));
    [drawn[i], drawn[j]] = [drawn[j]!, drawn[i]!];
  }
  return drawn.slice(0, count).sort();
}
