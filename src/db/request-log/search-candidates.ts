import { addOctetsBefore } from "./row-octets.ts";
import type { Condition, IndexKeys } from "./search-conditions.ts";

/** How many requests of a key, or of the whole log, one search scans when their rows must be checked. */
const MAX_SCANNED_ROWS = 600;
/**
 * A page ends with the row that reaches this many octets of text. A page is in memory several times: as the
 * database's answer, as rows, and as the text of the response.
 */
const MAX_PAGE_OCTETS = 1_000_000;
/** How many keys of an index are scanned in one call to the database. */
const KEYS_PER_BATCH = 8;

interface Search {
  readonly conditions: readonly Condition[];
  /** Ids from `from` on and before `before`. */
  readonly range: { readonly from: string; readonly before: string };
  readonly limit: number;
  readonly row: RowSql;
}

/** SQL of a row: its columns except the id, from the table `row`, and the sum of their octets. */
interface RowSql {
  readonly columns: string;
  readonly octets: string;
}

/**
 * A request that may match: its id, and the rest of its row if `isLoaded` is 1. It is 0 for a row after
 * {@link MAX_PAGE_OCTETS}, and undefined if the rows are not read yet.
 */
export type Candidate<Row> = Partial<Row> & {
  readonly id: string;
  readonly matches: 0 | 1;
  readonly isLoaded?: 0 | 1;
};

interface Candidates<Row> {
  /** Newest first. */
  readonly candidates: Candidate<Row>[];
  /** The list has every request with this id or a greater one; null if it has every request of the range. */
  readonly completeFrom: string | null;
  readonly hasWholeRows: boolean;
}

/**
 * Collects the newest requests that may match. If the only scan needs no check, it reads whole rows, and the
 * page takes one statement.
 */
export async function collectCandidates<Row extends { readonly id: string }>(
  d1: D1Database,
  search: Search,
): Promise<Candidates<Row>> {
  const { conditions, limit } = search;
  const indexed = conditions.find(({ keys }) => keys !== undefined);
  const keys = indexed?.keys === undefined ? [null] : await listKeys(d1, indexed.keys, search);
  const toScan = (key: IndexKey | null): Scan => {
    const matchesAllRows = key !== null && indexed?.keys?.matchesAllRows(key.key) === true;
    const checks = matchesAllRows ? conditions.filter((condition) => condition !== indexed) : conditions;
    const maxRows = checks.length === 0 ? limit + 1 : Math.max(MAX_SCANNED_ROWS, limit + 1);
    return { index: indexed?.keys?.index, key: key?.key ?? null, checks, maxRows };
  };
  const [onlyKey = null] = keys;
  const hasWholeRows = keys.length === 1 && toScan(onlyKey).checks.length === 0;

  let candidates: Candidate<Row>[] = [];
  let completeFrom = "";
  for (let i = 0; i < keys.length; i += KEYS_PER_BATCH) {
    const batch = keys.slice(i, i + KEYS_PER_BATCH);
    // The keys are sorted by their newest request. If it is too old for the page, all later keys are too old.
    const oldestNeeded = candidates.filter(({ matches }) => matches === 1)[limit]?.id ?? completeFrom;
    if (batch[0] && batch[0].newestId < oldestNeeded) break;
    const scans = batch.map(toScan);
    const row = hasWholeRows ? search.row : null;
    const pages = await d1.batch<Candidate<Row>>(
      scans.map((scan) => prepareScan(d1, row, scan, search.range)),
    );
    for (const [scanIndex, { results }] of pages.entries()) {
      candidates.push(...results);
      const stoppedAt = results.length === scans[scanIndex]?.maxRows ? results.at(-1)?.id : undefined;
      if (stoppedAt !== undefined && stoppedAt > completeFrom) completeFrom = stoppedAt;
    }
    candidates = candidates.filter(({ id }) => id >= completeFrom).sort((a, b) => (a.id < b.id ? 1 : -1));
  }
  return { candidates, completeFrom: completeFrom === "" ? null : completeFrom, hasWholeRows };
}

/** A scan of the newest requests of a key, or of the whole log without a key. */
interface Scan {
  readonly index: IndexKeys["index"] | undefined;
  readonly key: string | null;
  /** The conditions that each row is checked for. */
  readonly checks: readonly Condition[];
  readonly maxRows: number;
}

function prepareScan(
  d1: D1Database,
  row: RowSql | null,
  { index, key, checks, maxRows }: Scan,
  range: Search["range"],
): D1PreparedStatement {
  const matches = checks.map(({ sql }) => `(${sql})`).join(" AND ") || "1";
  const values: (string | number)[] = checks.flatMap((condition) => condition.values);
  let source = "WHERE true";
  if (index !== undefined && key !== null) {
    source = `INDEXED BY ${index.name} WHERE ${index.where} AND ${index.key} = ?`;
    values.push(key);
  }
  const octets = row === null ? "" : `, ${row.octets} AS octets`;
  const scan = `SELECT id, ${matches} AS matches${octets} FROM requests ${source} AND id >= ? AND id < ? ORDER BY id DESC LIMIT ?`;
  return d1
    .prepare(row === null ? scan : selectWithinOctets(scan, row))
    .bind(...values, range.from, range.before, maxRows);
}

/**
 * The SQL that adds the rows of a scan, newest first, up to {@link MAX_PAGE_OCTETS}. The others are not loaded.
 * @param scan selects `id`, `matches` and `octets`
 */
export function selectWithinOctets(scan: string, { columns }: RowSql): string {
  return `SELECT found.id, found.matches, row.id IS NOT NULL AS isLoaded, ${columns}
    FROM (${addOctetsBefore(scan, "DESC")}) AS found
    LEFT JOIN requests AS row ON row.id = found.id AND found.octetsBefore < ${MAX_PAGE_OCTETS}
    ORDER BY found.id DESC`;
}

interface IndexKey {
  readonly key: string;
  /** Id of the newest request with this key, or a greater id. */
  readonly newestId: string;
}

/**
 * Lists the keys that have requests in the range, the key with the newest request first. SQLite jumps from
 * key to key, so the cost grows with the number of keys and not with the number of requests.
 */
async function listKeys(
  d1: D1Database,
  { index, first, last, includes }: IndexKeys,
  { range }: Search,
): Promise<IndexKey[]> {
  if (first === last) return [{ key: first, newestId: range.before }];
  const { name, key, where } = index;
  const source = `FROM requests INDEXED BY ${name} WHERE ${where}`;
  const { results } = await d1
    .prepare(
      `WITH RECURSIVE keys(key) AS (
         SELECT min(${key}) ${source} AND ${key} >= ?1 AND ${key} <= ?2
         UNION ALL
         SELECT (SELECT min(${key}) ${source} AND ${key} > keys.key AND ${key} <= ?2)
         FROM keys WHERE keys.key IS NOT NULL)
       SELECT keys.key, (SELECT max(id) ${source} AND ${key} = keys.key AND id >= ?3 AND id < ?4) AS newestId
       FROM keys WHERE keys.key IS NOT NULL`,
    )
    .bind(first, last, range.from, range.before)
    .all<{ key: string; newestId: string | null }>();
  return results
    .filter((row): row is IndexKey => row.newestId !== null && (includes?.(row.key) ?? true))
    .sort((a, b) => (a.newestId < b.newestId ? 1 : -1));
}
