import { deleteRequests, readRequest } from "../../db/request-log/requests.ts";
import { sha256 } from "../../lib/sha256.ts";
import { REJECTED_PREFIX } from "../write/dead-letters.ts";

/** R2 takes keys of 1,024 bytes. */
const LONGEST_ID = 900;

/** Where a row with any text for an id lies when it was set aside. */
export async function quarantineKey(id: string): Promise<string> {
  const name = encodeURIComponent(id.toWellFormed());
  return `${REJECTED_PREFIX}${name.length <= LONGEST_ID ? name : await sha256(id)}.json`;
}

/**
 * Moves a row that the archive has no day for, because its id holds no time, to where people can look at it:
 * it would stand in the way of the others for ever. Returns how many rows that were.
 */
export async function quarantineRow(
  { LOG_DB, MODELS }: Pick<Env, "LOG_DB" | "MODELS">,
  id: string,
): Promise<number> {
  const row = await readRequest(LOG_DB, id);
  if (row === null) return 0;
  const key = await quarantineKey(id);
  await MODELS.put(key, JSON.stringify(row), { httpMetadata: { contentType: "application/json" } });
  console.error(JSON.stringify({ message: "a row of the log whose id holds no time was set aside", key }));
  return deleteRequests(LOG_DB, [id]);
}
