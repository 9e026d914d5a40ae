import { executeStatements } from "../../cloudflare/d1.ts";
import { joinLiterals, toSqlLiteral } from "../../cloudflare/d1-sql.ts";
import type { Target } from "../../cloudflare/wrangler.ts";
import type { FeedFailure } from "../../src/domain/feed-check.ts";
import type { HeldAppraisal } from "./check-prices.ts";
import type { AppraisalReview } from "./review.ts";

/**
 * Quarantines the accepted stones that exceed a bound, in one transaction. Another run may do the same at the
 * same time: the first reason stays, and stones that an operator has accepted meanwhile stay accepted.
 */
export async function holdAppraisals(target: Target, held: readonly HeldAppraisal[]): Promise<void> {
  if (held.length > 0) await executeStatements(target, buildHoldStatements(held, new Date()));
}

export function buildHoldStatements(held: readonly HeldAppraisal[], at: Date): string[] {
  return groupByFailure(held).flatMap(([failure, rowIds]) =>
    groupIds(rowIds).flatMap((ids) => [
      `UPDATE appraisals SET status = 'quarantined' WHERE status = 'accepted' AND id IN (${ids})
         AND NOT EXISTS (SELECT 1 FROM quarantines WHERE quarantines.id = appraisals.id);`,
      buildReasonStatement(ids, failure, at, "quarantined"),
    ]),
  );
}

/**
 * Marks the stones that `--accept-feed` took as accepted by an operator: they are accepted, and have a reason.
 * No later run holds them, also if a run with other files replaced the dataset meanwhile.
 */
export async function acceptAppraisals(target: Target, review: AppraisalReview): Promise<void> {
  const statements = buildAcceptStatements(review, new Date());
  if (statements.length > 0) await executeStatements(target, statements);
}

/** Stones that an earlier version quarantined have no reason yet. */
const EARLIER_FAILURE: FeedFailure = { bound: "deviation", reason: "quarantined by an earlier version" };

export function buildAcceptStatements({ exceeding, quarantined }: AppraisalReview, at: Date): string[] {
  const rowIds = quarantined.map(({ rowId }) => rowId);
  return [
    ...groupByFailure(exceeding).flatMap(([failure, ids]) =>
      groupIds(ids).map((group) => buildReasonStatement(group, failure, at)),
    ),
    ...groupIds(rowIds).flatMap((ids) => [
      buildReasonStatement(ids, EARLIER_FAILURE, at),
      `UPDATE appraisals SET status = 'accepted' WHERE id IN (${ids});`,
    ]),
    // Another run may have quarantined them while this one was training.
    ...groupIds(exceeding.map(({ appraisal }) => appraisal.rowId)).map(
      (ids) => `UPDATE appraisals SET status = 'accepted' WHERE id IN (${ids});`,
    ),
  ];
}

/** Adds a reason to the stones that have none. */
function buildReasonStatement(
  ids: string,
  { bound, reason }: FeedFailure,
  at: Date,
  status?: "quarantined",
): string {
  const values = [bound, reason, at.toISOString()].map(toSqlLiteral).join(", ");
  const condition = status === undefined ? "" : ` AND status = ${toSqlLiteral(status)}`;
  return `INSERT INTO quarantines (id, bound, reason, at) SELECT id, ${values} FROM appraisals
    WHERE id IN (${ids})${condition} ON CONFLICT DO NOTHING;`;
}

function groupByFailure(held: readonly HeldAppraisal[]): [FeedFailure, string[]][] {
  return Array.from(
    Map.groupBy(held, ({ failure }) => `${failure.bound} ${failure.reason}`).values(),
    (group) => [group[0]!.failure, group.map(({ appraisal }) => appraisal.rowId)],
  );
}

/** Lists of ids as SQL, each short enough for a statement. */
function groupIds(rowIds: readonly string[]): string[] {
  return joinLiterals(rowIds.map(toSqlLiteral));
}
