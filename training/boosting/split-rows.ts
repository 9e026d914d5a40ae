/** How a node's rows part: left where `((code + shift) & 255) < limit`. */
export interface SplitRule {
  readonly shift: number;
  readonly limit: number;
}

/**
 * Reorders `rows[begin..end)` so that those going left come first, both sides in their old order.
 * Branch-free: half of the branches would be mispredicted.
 * @param codes the feature's bin of each row
 * @param spare as long as `rows`
 * @returns where the right side begins
 */
export function splitRows(
  rows: Int32Array,
  begin: number,
  end: number,
  codes: Uint8Array,
  { shift, limit }: SplitRule,
  spare: Int32Array,
): number {
  let left = begin;
  let right = 0;
  for (let i = begin; i < end; i++) {
    const row = rows[i]!;
    const goesLeft = (((codes[row]! + shift) & 255) - limit) >>> 31;
    rows[left] = row;
    spare[right] = row;
    left += goesLeft;
    right += 1 - goesLeft;
  }
  rows.set(spare.subarray(0, right), left);
  return left;
}

/** Writes the child of each row to `leaves` instead: `left`, or the next one. */
export function assignChildren(
  rows: Int32Array,
  begin: number,
  end: number,
  codes: Uint8Array,
  { shift, limit }: SplitRule,
  left: number,
  leaves: Uint16Array,
): void {
  const right = left + 1;
  for (let i = begin; i < end; i++) {
    const row = rows[i]!;
    leaves[row] = right - ((((codes[row]! + shift) & 255) - limit) >>> 31);
  }
}
