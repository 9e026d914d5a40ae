import { deleteRequests, readRequest } from "../db/request-log/requests.ts";
import { sha256 } from "../lib/sha256.ts";

/** Records that the log cannot store because of their contents. Operators look at them. */
export const QUARANTINE_PREFIX = "log-rejected/";

/** R2 takes keys of up to 1,024 bytes. */
const MAX_NAME_BYTES = 900;

/** The bucket key of a row in quarantine. The id may be any text. */
export async function toQuarantineKey(id: string): Promise<string> {
  const name = encodeURIComponent(id.toWellFormed());
  return `${QUARANTINE_PREFIX}${name.length <= MAX_NAME_BYTES ? name : await sha256(id)}.json`;
}

/**
 * Moves a row whose id holds no time from the table to the quarantine. The archive has no day for it, and it
 * would block the rows after it. Returns the number of moved rows: 0 or 1.
 */
export async function quarantineRow(
  { LOG_DB, MODELS }: Pick<Env, "LOG_DB" | "MODELS">,
  id: string,
): Promise<number> {
  const row = await readRequest(LOG_DB, id);
  if (row === null) return 0;
  const key = await toQuarantineKey(id);
  await MODELS.put(key, JSON.stringify(row), { httpMetadata: { contentType: "application/json" } });
  console.error(JSON.stringify({ message: "log row quarantined: its id contains no time", key }));
  return deleteRequests(LOG_DB, [id]);
}
