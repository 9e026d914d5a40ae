import { type PricedStone, STONE_COLUMNS } from "../../domain/diamond.ts";
import type { FeedFailure } from "../../domain/feed-check.ts";
import { withRetry } from "../../lib/retry.ts";
import { isRetryable } from "../errors.ts";
import type { Queryable } from "../sessions.ts";
import type { appraisals } from "./schema.ts";

/** A stone with its id, see src/domain/stone-id.ts. */
export type IdentifiedStone = PricedStone & { readonly id: string };

/** The table that has a stone: an appraisal, the newest dataset, or a withdrawal. */
type StonePlace = "appraised" | "trained" | "withdrawn";

/** CROSS JOIN keeps the order of the tables: each stone is looked up by the primary key. */
const FIND_KNOWN = `
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

/**
 * Returns the stones, by id, that are already known: sent before, in the newest dataset, or withdrawn. A
 * withdrawn stone that is in another table too counts as withdrawn.
 */
export async function findKnownStones(
  d1: Queryable,
  stones: readonly IdentifiedStone[],
): Promise<ReadonlyMap<string, StonePlace>> {
  const statement = d1.prepare(FIND_KNOWN).bind(JSON.stringify(stones));
  const { results } = await statement.all<{ id: string; place: StonePlace }>();
  return new Map(results.map(({ id, place }) => [id, place]));
}

const COLUMNS = ["id", ...STONE_COLUMNS, "price"] as const;
const INSERT_NEW = `INSERT INTO appraisals (${COLUMNS.map((column) => `"${column}"`).join(", ")}, status, source, request_id, received_at)
SELECT ${COLUMNS.map((column) => `value ->> '${column}'`).join(", ")}, ?2, ?3, ?4, ?5 FROM json_each(?1)
WHERE true ON CONFLICT DO NOTHING`;
const LIST_INSERTED = `SELECT stored.id FROM json_each(?1) AS sent CROSS JOIN appraisals AS stored ON stored.id = sent.value ->> 'id'
WHERE stored.request_id = ?2`;
const INSERT_QUARANTINES = `INSERT INTO quarantines (id, bound, reason, at)
SELECT stored.id, ?3, ?4, ?5 FROM json_each(?1) AS sent CROSS JOIN appraisals AS stored ON stored.id = sent.value ->> 'id'
WHERE stored.request_id = ?2 ON CONFLICT DO NOTHING`;

interface AppraisalDetails
  extends Pick<typeof appraisals.$inferInsert, "source" | "requestId" | "receivedAt"> {
  /** The bound that the stones exceed: they are quarantined. Null if they are accepted. */
  readonly failure: FeedFailure | null;
}

/**
 * Stores appraisals for the next training. Idempotent: a stone that is already stored is not changed.
 * @returns the ids of the stones that this request inserted
 */
export async function insertAppraisals(
  d1: Queryable,
  stones: readonly IdentifiedStone[],
  { failure, source, requestId, receivedAt }: AppraisalDetails,
): Promise<ReadonlySet<string>> {
  const rows = JSON.stringify(stones);
  const status = failure === null ? "accepted" : "quarantined";
  const reasons =
    failure === null
      ? []
      : [d1.prepare(INSERT_QUARANTINES).bind(rows, requestId, failure.bound, failure.reason, receivedAt)];
  const [, inserted] = await withRetry(
    () =>
      d1.batch<{ id: string }>([
        d1.prepare(INSERT_NEW).bind(rows, status, source, requestId, receivedAt),
        d1.prepare(LIST_INSERTED).bind(rows, requestId),
        ...reasons,
      ]),
    { shouldRetry: isRetryable },
  );
  return new Set(inserted?.results.map(({ id }) => id));
}
