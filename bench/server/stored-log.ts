import type { D1Database, R2Bucket } from "@cloudflare/workers-types";
import { withLocalBindings } from "../../cloudflare/local-bindings.ts";

const PAGE_ROWS = 10_000;

export interface StoredRecord {
  readonly id: string;
  readonly status: number;
  /** How many further requests the row counts. */
  readonly repeats: number | null;
}

/** The log of a local state. */
export interface StoredLog {
  readonly rows: readonly StoredRecord[];
  readonly deadLetters: readonly StoredRecord[];
  /** Number of rows whose bodies exist in the bucket. */
  readonly rowsWithStoredBodies: number;
}

/** Reads the log of a local state on which no server runs. */
export function readStoredLog(state: string): Promise<StoredLog> {
  return withLocalBindings(state, async ({ LOG_DB, MODELS }) => {
    const rows = await readRows(LOG_DB);
    let rowsWithStoredBodies = 0;
    for (const { bodies } of rows)
      if (bodies !== null && (await MODELS.head(bodies)) !== null) rowsWithStoredBodies++;
    return { rows, deadLetters: await readDeadLetters(MODELS), rowsWithStoredBodies };
  });
}

/** `bodies` is the key of the bodies in the bucket, or null. */
type Row = StoredRecord & { readonly bodies: string | null };

async function readRows(db: D1Database): Promise<Row[]> {
  const rows: Row[] = [];
  for (;;) {
    const { results } = await db
      .prepare(
        `SELECT id, status, repeats, bodies FROM requests WHERE id > ?1 ORDER BY id LIMIT ${PAGE_ROWS}`,
      )
      .bind(rows.at(-1)?.id ?? "")
      .all<Row>();
    if (results.length === 0) return rows;
    rows.push(...results);
  }
}

async function readDeadLetters(bucket: R2Bucket): Promise<StoredRecord[]> {
  const records: StoredRecord[] = [];
  let cursor: string | undefined;
  do {
    const page = await bucket.list({ prefix: "log-dead-letters/", ...(cursor && { cursor }) });
    for (const { key } of page.objects) records.push(await (await bucket.get(key))!.json());
    cursor = page.truncated ? page.cursor : undefined;
  } while (cursor !== undefined);
  return records;
}
