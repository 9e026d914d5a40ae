import type { RequestRecord } from "../../db/request-log/requests.ts";
import { getIdTime } from "../../domain/request-id.ts";

/**
 * Whether a message or an object is a record from the Worker, because people can put anything into a queue or
 * a bucket. The id must hold the record's time: rows are found, counted and archived by it.
 */
export function isRecord(value: unknown): value is RequestRecord {
  const { id, at }: Partial<RequestRecord> = value ?? {};
  return typeof id === "string" && typeof at === "number" && getIdTime(id) === at;
}
