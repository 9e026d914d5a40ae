import { desc, getTableColumns, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { firstIdAt } from "../../domain/request-id.ts";
import { requests } from "./schema.ts";
import { collectCandidates } from "./search-candidates.ts";
import { type RequestFilter, toConditions } from "./search-conditions.ts";

const { requestBody, responseBody, ...summaryColumns } = getTableColumns(requests);

/** A row of the log without its bodies. */
export type RequestSummary = Omit<typeof requests.$inferSelect, "requestBody" | "responseBody">;

const SUMMARY_SQL = Object.entries(summaryColumns)
  .map(([key, { name }]) => `${name} AS ${key}`)
  .join(", ");

export interface RequestPage {
  readonly rows: RequestSummary[];
  /** The next page begins before this id; null on the last page. */
  readonly before: string | null;
}

/**
 * Returns a page of the log, newest first; with `before`, only requests with smaller ids. One index finds the
 * candidates, and the other conditions are checked on their rows. A page scans a bounded number of requests,
 * however large the table is. If few of them match, the page is short or even empty, and the `before` of the
 * result is where the next page begins.
 */
export async function searchRequests(
  d1: D1Database,
  filter: RequestFilter,
  { before, limit }: { before?: string | undefined; limit: number },
): Promise<RequestPage> {
  const until = firstIdAt(filter.until ?? Number.MAX_SAFE_INTEGER);
  const { candidates, completeFrom, hasWholeRows } = await collectCandidates<RequestSummary>(d1, {
    conditions: toConditions(filter),
    range: {
      from: firstIdAt(filter.since ?? 0),
      before: before !== undefined && before < until ? before : until,
    },
    limit,
    rowColumns: SUMMARY_SQL,
  });
  const matching = candidates.filter(({ matches }) => matches === 1);
  const page = matching.slice(0, limit);
  const rows = hasWholeRows
    ? page.map(({ matches, ...row }) => row as RequestSummary)
    : await readSummaries(
        d1,
        page.map(({ id }) => id),
      );
  const nextBefore = matching.length > limit ? page.at(-1)?.id : completeFrom;
  return { rows, before: nextBefore ?? null };
}

async function readSummaries(d1: D1Database, ids: readonly string[]): Promise<RequestSummary[]> {
  if (ids.length === 0) return [];
  return drizzle(d1)
    .select(summaryColumns)
    .from(requests)
    .where(sql`${requests.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`)
    .orderBy(desc(requests.id));
}
