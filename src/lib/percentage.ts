/** Whether a key is among some percent of all keys. The same key always is, or never. */
export function isInPercentage(key: string, percent: number): boolean {
  return (spread(key) / 2 ** 32) * 100 < percent;
}

/** A text's hash in [0, 2^32): FNV-1a, then murmur3's finaliser, so that similar texts lie far apart. */
function spread(text: string): number {
  let h = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) h = Math.imul(h ^ text.charCodeAt(i), 0x01000193);
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}
