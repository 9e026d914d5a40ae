import { isErased } from "../../db/request-log/erased-requests.ts";
import { completeRecord, type RequestRecord } from "../../db/request-log/requests.ts";
import { getIdDay } from "../../domain/request-id.ts";
import { ChangedChunkError, listChunks, mayContain } from "./chunk.ts";
import { findRow } from "./read-chunk.ts";

/** How often a look-up begins anew because a chunk was written while it read. */
const MAX_ATTEMPTS = 3;

/**
 * Finds a request in the archive; null if it is not there, or if its erasure has begun. Of each chunk that may
 * have the request it reads one block.
 */
export async function findArchived(
  { LOG_DB, MODELS }: Pick<Env, "LOG_DB" | "MODELS">,
  id: string,
): Promise<RequestRecord | null> {
  const line = await findLine(MODELS, id);
  if (line === null || (await isErased(LOG_DB, id))) return null;
  return completeRecord(JSON.parse(line));
}

async function findLine(bucket: R2Bucket, id: string): Promise<string | null> {
  const day = getIdDay(id);
  if (day === null) return null;
  for (let attempt = 1; ; attempt++) {
    try {
      for (const chunk of await listChunks(bucket, day)) {
        const line = mayContain(chunk, id) ? await findRow(bucket, chunk, id) : null;
        if (line !== null) return line;
      }
      return null;
    } catch (error) {
      if (!(error instanceof ChangedChunkError) || attempt === MAX_ATTEMPTS) throw error;
    }
  }
}
