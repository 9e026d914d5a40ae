import type { CallBudget } from "../../lib/call-budget.ts";
import { ERASE_CHUNK_CALLS, ERASE_STEP_CALLS } from "../../settings/call-budgets.ts";
import { type ArchiveChunk, listChunks, mayContain } from "./chunk.ts";
import { removeRows } from "./write-chunk.ts";

/** What a run may use for the archive. */
export interface ArchiveBudget {
  readonly calls: CallBudget;
  /** The rows of chunks that may still be read. */
  rows: number;
}

export interface ErasedDay {
  /** The ids that the archive had. */
  readonly found: ReadonlySet<string>;
  /** The ids that may still be in a chunk, because the budget was used up or the chunk could not be written. */
  readonly unfinished: ReadonlySet<string>;
  readonly errors: readonly unknown[];
}

/**
 * Erases requests of one day from the archive. Each chunk that may have some of them is written once. A chunk
 * that cannot be read or written does not stop the others. The caller must hold the archive's lease.
 */
export async function eraseFromDay(
  bucket: R2Bucket,
  day: number,
  ids: readonly string[],
  budget: ArchiveBudget,
): Promise<ErasedDay> {
  const found = new Set<string>();
  const unfinished = new Set<string>();
  const errors: unknown[] = [];
  const isExhausted = (calls: number) => budget.rows <= 0 || budget.calls.remaining < calls;
  const keepUnfinished = (affected: readonly string[], error?: unknown) => {
    for (const id of affected) unfinished.add(id);
    if (error !== undefined) errors.push(error);
  };
  if (isExhausted(ERASE_STEP_CALLS.day)) return { found, unfinished: new Set(ids), errors };
  let chunks: readonly ArchiveChunk[] = [];
  try {
    chunks = await budget.calls.call(() => listChunks(bucket, day));
  } catch (error) {
    keepUnfinished(ids, error);
  }
  for (const chunk of chunks) {
    const affected = ids.filter((id) => mayContain(chunk, id));
    if (affected.length === 0) continue;
    if (isExhausted(ERASE_STEP_CALLS.chunk)) {
      keepUnfinished(affected);
      continue;
    }
    budget.rows -= Number(chunk.contents.rows);
    try {
      const erase = () => removeRows(bucket, chunk, new Set(affected));
      for (const id of await budget.calls.call(erase, ERASE_CHUNK_CALLS)) found.add(id);
    } catch (error) {
      keepUnfinished(affected, error);
    }
  }
  return { found, unfinished, errors };
}
