import { type PricedStone, STONE_COLUMNS } from "../../domain/diamond.ts";
import { withRetry } from "../../lib/retry.ts";
import type { appraisals } from "./schema.ts";

/** A stone with its id: see src/domain/stone-text.ts. */
export type IdentifiedStone = PricedStone & { readonly id: string };

/** Where a stone is known from already. */
type Place = "appraised" | "trained" | "withdrawn";

/** The stones are looked up one by one by the primary key of each table. */
const KNOWN = `
WITH sent AS MATERIALIZED (
  SELECT value ->> 'id' AS id, value ->> 'cut' AS cut, value ->> 'color' AS color, value ->> 'clarity' AS clarity,
    value ->> 'carat' AS carat FROM json_each(?1))
SELECT sent.id, 'appraised' AS place FROM sent CROSS JOIN appraisals AS known ON known.id = sent.id
UNION ALL
SELECT sent.id, 'trained' FROM sent CROSS JOIN diamonds AS known
  ON known.cut = sent.cut AND known.color = sent.color AND known.clarity = sent.clarity
    AND known.carat = sent.carat AND known.id = sent.id
  WHERE known.until IS NULL
UNION ALL
SELECT sent.id, 'withdrawn' FROM sent CROSS JOIN withdrawals AS known ON known.id = sent.id`;

/** Which of some stones were sent before, are in the newest dataset, or were withdrawn (which comes first). */
export async function findKnownStones(
  d1: D1Database,
  stones: readonly IdentifiedStone[],
): Promise<ReadonlyMap<string, Place>> {
  const statement = d1.prepare(KNOWN).bind(JSON.stringify(stones));
  const { results } = await statement.all<{ id: string; place: Place }>();
  return new Map(results.map(({ id, place }) => [id, place]));
}

const COLUMNS = ["id", ...STONE_COLUMNS, "price"] as const;
const INSERT = `INSERT INTO appraisals (${COLUMNS.map((column) => `"${column}"`).join(", ")}, status, source, request_id, received_at)
SELECT ${COLUMNS.map((column) => `value ->> '${column}'`).join(", ")}, ?2, ?3, ?4, ?5 FROM json_each(?1)
WHERE true ON CONFLICT DO NOTHING`;
const KEPT = `SELECT kept.id FROM json_each(?1) AS sent CROSS JOIN appraisals AS kept ON kept.id = sent.value ->> 'id'
WHERE kept.request_id = ?2`;

type Circumstances = Pick<typeof appraisals.$inferInsert, "status" | "source" | "requestId" | "receivedAt">;

/**
 * Keeps stones for the next training, in one statement. Idempotent: a stone that is there stays as it is.
 * Returns the ids of those that this request brought.
 */
export async function insertAppraisals(
  d1: D1Database,
  stones: readonly IdentifiedStone[],
  { status, source, requestId, receivedAt }: Circumstances,
): Promise<ReadonlySet<string>> {
  const rows = JSON.stringify(stones);
  const [, kept] = await withRetry(() =>
    d1.batch<{ id: string }>([
      d1.prepare(INSERT).bind(rows, status, source, requestId, receivedAt),
      d1.prepare(KEPT).bind(rows, requestId),
    ]),
  );
  return new Set(kept?.results.map(({ id }) => id));
}
