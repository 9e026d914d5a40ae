import { getTableColumns } from "drizzle-orm";
import { firstIdAt } from "../../domain/request-id.ts";
import { sumOctets } from "./row-octets.ts";
import { requests } from "./schema.ts";
import { type Candidate, collectCandidates, selectWithinOctets } from "./search-candidates.ts";
import { type RequestFilter, toConditions } from "./search-conditions.ts";

const { id, requestBody, responseBody, ...summaryColumns } = getTableColumns(requests);

/** A row of the log without its bodies. */
export type RequestSummary = Omit<typeof requests.$inferSelect, "requestBody" | "responseBody">;

const SUMMARY = {
  columns: Object.entries(summaryColumns)
    .map(([key, { name }]) => `row.${name} AS ${key}`)
    .join(", "),
  octets: sumOctets(Object.values(summaryColumns)),
};

export interface RequestPage {
  readonly rows: RequestSummary[];
  /** The next page begins before this id; null on the last page. */
  readonly before: string | null;
}

/**
 * Returns a page of the log, newest first; with `before`, only requests with smaller ids. One index finds the
 * candidates, and the other conditions are checked on their rows. A page scans a bounded number of requests,
 * however large the table is. If few of them match, or if their texts are long, the page is short or even empty, and
 * the `before` of the result is where the next page begins.
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
    row: SUMMARY,
  });
  const matching = candidates.filter(({ matches }) => matches === 1);
  const page = matching.slice(0, limit);
  const found = hasWholeRows ? page : await readSummaries(d1, page);
  const firstTooMuch = found.findIndex(({ isLoaded }) => isLoaded === 0);
  const loaded = firstTooMuch === -1 ? found : found.slice(0, firstTooMuch);
  const rows = loaded.map(({ matches, isLoaded, ...row }) => row as RequestSummary);
  const isCut = firstTooMuch !== -1 || matching.length > limit;
  const last = firstTooMuch === -1 ? page.at(-1) : loaded.at(-1);
  const nextBefore = isCut ? last?.id : completeFrom;
  return { rows, before: nextBefore ?? null };
}

async function readSummaries(
  d1: D1Database,
  page: readonly Candidate<RequestSummary>[],
): Promise<Candidate<RequestSummary>[]> {
  if (page.length === 0) return [];
  const scan = `SELECT id, 1 AS matches, ${SUMMARY.octets} AS octets FROM requests
    WHERE id IN (SELECT value FROM json_each(?))`;
  const { results } = await d1
    .prepare(selectWithinOctets(scan, SUMMARY))
    .bind(JSON.stringify(page.map(({ id }) => id)))
    .all<Candidate<RequestSummary>>();
  return results;
}
