/** The rule that divides a node's rows by their bins: a row goes left if `((bin + shift) & 255) < limit`. */
export interface SplitRule {
  /** 0, or 1 to move the bin of missing values (255) before all others. */
  readonly shift: number;
  readonly limit: number;
}

/**
 * Reorders `rows[begin..end)`: the rows that go left come first, and each side keeps its order. The loop has
 * no branch, because the processor would mispredict about half of them.
 * @param bins the bin of each row, of the feature that the node splits on
 * @param buffer working memory, as long as `rows`
 * @returns the index at which the right side begins
 */
export function splitRows(
  rows: Int32Array,
  begin: number,
  end: number,
  bins: Uint8Array,
  { shift, limit }: SplitRule,
  buffer: Int32Array,
): number {
  let leftEnd = begin;
  let rightCount = 0;
  for (let i = begin; i < end; i++) {
    const row = rows[i]!;
    const goesLeft = (((bins[row]! + shift) & 255) - limit) >>> 31;
    rows[leftEnd] = row;
    buffer[rightCount] = row;
    leftEnd += goesLeft;
    rightCount += 1 - goesLeft;
  }
  rows.set(buffer.subarray(0, rightCount), leftEnd);
  return leftEnd;
}

/**
 * Writes to `leafOfRow` the child that each row of `rows[begin..end)` goes to, without reordering the rows.
 * @param leftChild the left child; the right child is the next node
 */
export function assignLeaves(
  rows: Int32Array,
  begin: number,
  end: number,
  bins: Uint8Array,
  { shift, limit }: SplitRule,
  leftChild: number,
  leafOfRow: Uint16Array,
): void {
  const rightChild = leftChild + 1;
  for (let i = begin; i < end; i++) {
    const row = rows[i]!;
    leafOfRow[row] = rightChild - ((((bins[row]! + shift) & 255) - limit) >>> 31);
  }
}
