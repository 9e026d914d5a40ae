import type { RequestRecord } from "../../db/request-log/requests.ts";
import { timeOfId } from "../../domain/request-id.ts";

/**
 * Whether the Worker made it: people can put anything into a queue or a bucket. The id must hold the time,
 * because by it a row is found, counted and archived.
 */
export function isRecord(value: unknown): value is RequestRecord {
  const { id, at }: Partial<RequestRecord> = value ?? {};
  return typeof id === "string" && typeof at === "number" && timeOfId(id) === at;
}
