/** The columns of the view `requests`. */
import { getTableColumns } from "drizzle-orm";
import { requests } from "../../src/db/request-log/schema.ts";

type RequestKey = keyof typeof requests.$inferSelect;

/** What a column means. The type requires a text for every column of the log. */
const MEANINGS: Record<RequestKey, string> = {
  id: "id of the request (UUIDv7); it was sent to the caller as x-request-id",
  at: "when the request arrived",
  method: "GET, POST, ...",
  path: "what was called; a long text is cut and ends with …",
  route: "pattern of the endpoint, such as /v1/models/:name; NULL if none matched",
  query: "the text after the ? of the address",
  status: "HTTP status of the answer",
  durationMs: "milliseconds until the answer began",
  requestBody: "body of the request; a cut body, or one that is not JSON, is a JSON text",
  responseBody: "body of the answer, in the same form",
  bodies: "key in the bucket of bodies that are too large for a row (they are in both columns above)",
  model: "name of the model that answered",
  modelVersion: "its version",
  price: "predicted price, US dollars; NULL for a batch",
  shadowModel: "challenger that priced the same stone after the answer",
  shadowVersion: "its version",
  shadowPrice: "its price",
  caller: "name of the caller's key; NULL without a key",
  userAgent: "the caller's program",
  country: "the caller's country",
  colo: "airport code of the Cloudflare location that answered",
  problem: "internal errors and warnings",
  repeats: "how many further requests this row counts; usually 0",
};

export interface Column {
  readonly name: string;
  readonly type: string;
  readonly meaning: string;
}

/** A column that is stored: how a row of NDJSON has it, and the SQL of its value. */
export interface StoredColumn extends Column {
  readonly key: RequestKey;
  readonly jsonType: string;
  readonly sql: string;
}

const JSON_TYPES: Readonly<Record<string, string>> = { text: "VARCHAR", integer: "BIGINT", real: "DOUBLE" };

/** Columns whose name, type or value differs from those in the database. */
const CHANGED: Partial<Record<RequestKey, Pick<StoredColumn, "name" | "type" | "sql">>> = {
  // "at" is a keyword of DuckDB.
  at: { name: "arrived_at", type: "TIMESTAMPTZ", sql: 'make_timestamptz("at" * 1000)' },
  requestBody: { name: "request_body", type: "JSON", sql: toJsonSql("requestBody") },
  responseBody: { name: "response_body", type: "JSON", sql: toJsonSql("responseBody") },
  repeats: { name: "repeats", type: "BIGINT", sql: 'coalesce("repeats", 0)' },
};

export const STORED_COLUMNS: readonly StoredColumn[] = Object.entries(getTableColumns(requests)).map(
  ([key, column]) => {
    const requestKey = key as RequestKey;
    const jsonType = JSON_TYPES[column.getSQLType()];
    if (jsonType === undefined) throw new Error(`no type for the column ${column.name} of the log`);
    const changed = CHANGED[requestKey] ?? { name: column.name, type: jsonType, sql: `"${key}"` };
    return { key: requestKey, jsonType, meaning: MEANINGS[requestKey], ...changed };
  },
);

/** All columns of the view. The day is that of the id, in UTC. */
export const COLUMNS: readonly Column[] = [
  { name: "day", type: "DATE", meaning: "day of the request, UTC; a condition on it reads only those days" },
  ...STORED_COLUMNS,
];

function toJsonSql(key: RequestKey): string {
  return `CASE WHEN json_valid("${key}") THEN "${key}"::JSON ELSE to_json("${key}") END`;
}
