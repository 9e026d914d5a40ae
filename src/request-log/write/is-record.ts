import type { RequestRecord } from "../../db/request-log/requests.ts";
import { getIdTime } from "../../domain/request-id.ts";

/**
 * Whether a message or an object is a record from the Worker. People can put anything into a queue or a
 * bucket. The id must contain the time of the record, because the log finds, counts and archives rows by
 * their id.
 */
export function isRecord(value: unknown): value is RequestRecord {
  const { id, at }: Partial<RequestRecord> = value ?? {};
  return typeof id === "string" && typeof at === "number" && getIdTime(id) === at;
}
