import { eq } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { requests } from "../../db/request-log/schema.ts";
import { findArchived, isArchivable } from "../archive/archive.ts";
import { readBodies } from "../bodies.ts";
import { withBucketErrors } from "../from-bucket.ts";

/** A request in full: its row with both bodies as they were. */
export type WholeRequest = typeof requests.$inferSelect;

/**
 * A request by its id, from the table or from the archive; null where it is in neither.
 * @throws Unavailable where the bucket fails and is needed.
 */
export async function findRequest(env: Env, id: string): Promise<WholeRequest | null> {
  const { LOG_DB, MODELS } = env;
  const row =
    (await drizzle(LOG_DB).select().from(requests).where(eq(requests.id, id)).get()) ??
    (isArchivable(env, id, Date.now()) ? await withBucketErrors(() => findArchived(MODELS, id)) : null);
  if (row === null) return null;
  const { requestBody = null, responseBody = null } = await withBucketErrors(() => readBodies(MODELS, row));
  return { ...(row as WholeRequest), requestBody, responseBody };
}
