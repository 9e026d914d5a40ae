/** MurmurHash3's finaliser `fmix32`: a bijection of 32-bit integers that mixes every bit into all others. */
export function mix32(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85eb_ca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2_ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * A hash in [0, 2^32): FNV-1a over the UTF-16 code units, then {@link mix32}. The second step gives similar
 * texts distant hashes.
 */
export function hashText(text: string): number {
  let h = 0x811c_9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x0100_0193);
  return mix32(h);
}
