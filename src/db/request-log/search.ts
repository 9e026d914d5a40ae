import { desc, getTableColumns, sql } from "drizzle-orm";
import { drizzle } from "drizzle-orm/d1";
import { formatVersion, type Selector } from "../../domain/model-selector.ts";
import { firstIdAt } from "../../domain/request-id.ts";
import { requests, SEARCH_INDEXES } from "./schema.ts";

/** What requests must be like; all of it. */
export interface RequestFilter {
  /** From this time and before that one, milliseconds since 1970. */
  readonly since?: number | undefined;
  readonly until?: number | undefined;
  /** First and last status. */
  readonly status?: readonly [number, number] | undefined;
  readonly route?: string | undefined;
  readonly model?: Selector | undefined;
  /** Milliseconds. */
  readonly minDuration?: number | undefined;
  /** A text that the path contains. */
  readonly path?: string | undefined;
  readonly caller?: string | undefined;
}

const { requestBody, responseBody, ...summary } = getTableColumns(requests);

/** A row of the log without the bodies. */
export type RequestSummary = Omit<typeof requests.$inferSelect, "requestBody" | "responseBody">;

const SUMMARY = Object.entries(summary)
  .map(([key, { name }]) => `${name} AS ${key}`)
  .join(", ");

export interface RequestPage {
  readonly rows: RequestSummary[];
  /** The id before which the next page begins; null where there is none. */
  readonly before: string | null;
}

/** How many requests of a key, or of all, a page looks at where no index tells which fit. */
const MOST_LOOKED_AT = 600;
/** How many keys of an index are read at once. */
const KEYS_AT_ONCE = 8;

interface Condition {
  readonly sql: string;
  readonly values: readonly (string | number)[];
  /** Where an index can find what fits, or little more. */
  readonly found?: Finding | undefined;
}

/** The keys of an index from one to another, both included, that pass a test. */
interface Finding {
  readonly index: (typeof SEARCH_INDEXES)[keyof typeof SEARCH_INDEXES];
  readonly from: string;
  readonly to: string;
  readonly passes?: (key: string) => boolean;
  /** Whether all rows of a key fit. */
  readonly exact: (key: string) => boolean;
}

/**
 * A page of the log, newest first, from before an id where one is given. One index finds the candidates,
 * and the other conditions are checked on them. A page looks at a bounded number of requests whatever the
 * table's size: where few of them fit it is short, or even empty, and `before` says where to go on.
 */
export async function searchRequests(
  d1: D1Database,
  filter: RequestFilter,
  { before, limit }: { before?: string | undefined; limit: number },
): Promise<RequestPage> {
  const all = conditions(filter);
  const first = all.find(({ found }) => found !== undefined);
  const from = firstIdAt(filter.since ?? 0);
  const until = firstIdAt(filter.until ?? Number.MAX_SAFE_INTEGER);
  const range = { from, before: before !== undefined && before < until ? before : until };

  const { candidates, horizon, whole } = await newest(d1, first, all, range, limit);
  const fitting = candidates.filter(({ fits }) => fits === 1);
  const page = fitting.slice(0, limit);
  const last = fitting.length > limit ? page.at(-1)?.id : horizon;
  const rows = whole
    ? page.map(({ fits, ...row }) => row as RequestSummary)
    : await fetchRows(
        d1,
        page.map(({ id }) => id),
      );
  return { rows, before: last || null };
}

/** Those that an index can find come first, the most selective first. */
function conditions(filter: RequestFilter): Condition[] {
  const { status, minDuration, caller, route, model, path } = filter;
  const list: (Condition | false)[] = [
    status !== undefined && {
      sql: "status BETWEEN ? AND ?",
      values: status,
      ...((status[0] > 200 || status[1] < 200) && {
        found: {
          index: SEARCH_INDEXES.status,
          from: String(status[0]),
          to: String(status[1]),
          exact: () => true,
        },
      }),
    },
    minDuration !== undefined && {
      sql: "duration_ms >= ?",
      values: [minDuration],
      ...(minDuration >= 16 && { found: slowerThan(minDuration) }),
    },
    (route !== undefined || model !== undefined) && answeredBy(route, model),
    caller !== undefined && {
      sql: "caller = ?",
      values: [caller],
      found: { index: SEARCH_INDEXES.caller, from: caller, to: caller, exact: () => true },
    },
    path !== undefined && { sql: "instr(path, ?) > 0", values: [path] },
  ];
  return list.filter((condition) => condition !== false);
}

function answeredBy(route: string | undefined, model: Selector | undefined): Condition {
  const parts: { sql: string; value: string | number }[] = [];
  if (route !== undefined) parts.push({ sql: "route = ?", value: route });
  if (model !== undefined) parts.push({ sql: "model = ?", value: model.name });
  if (model?.kind === "version") parts.push({ sql: "model_version = ?", value: model.version });
  return {
    sql: parts.map(({ sql }) => sql).join(" AND "),
    values: parts.map(({ value }) => value),
    found: {
      index: SEARCH_INDEXES.answered,
      from: route === undefined ? "" : `${route} `,
      // What sorts after every key that begins like that.
      to: route === undefined ? "\u{10ffff}" : `${route}!`,
      passes: (key) => {
        if (model === undefined) return true;
        const version = key.slice(key.indexOf(" ") + 1);
        return model.kind === "version"
          ? version === formatVersion(model)
          : version.startsWith(`${model.name}@`);
      },
      exact: () => true,
    },
  };
}

/** Of the first key's rows those fit that are slow enough; of the others all. */
function slowerThan(minDuration: number): Finding {
  const from = String(10 + Math.floor(Math.log2(minDuration)));
  return { index: SEARCH_INDEXES.slow, from, to: "99", exact: (key) => key !== from };
}

interface Range {
  /** Ids from this one and before that one. */
  readonly from: string;
  readonly before: string;
}

/** With the rest of its row where that is known to be wanted. */
interface Candidate extends Partial<RequestSummary> {
  readonly id: string;
  readonly fits: 0 | 1;
}

interface Newest {
  readonly candidates: Candidate[];
  readonly horizon: string;
  /** Whether candidates are whole rows. */
  readonly whole: boolean;
}

/**
 * The newest requests that may fit, newest first, and the id down to which they are all there is: "" where
 * nothing is older. Where all that is read fits, it is read whole: then a page is one statement.
 */
async function newest(
  d1: D1Database,
  first: Condition | undefined,
  all: readonly Condition[],
  range: Range,
  limit: number,
): Promise<Newest> {
  const found = first?.found;
  const keys = found === undefined ? [null] : await keysOf(d1, found, range);
  const others = (key: Key | null) =>
    all.filter((condition) => condition !== (key !== null && found?.exact(key.key) ? first : undefined));
  const [only = null] = keys;
  const whole = keys.length === 1 && others(only).length === 0;
  let candidates: Candidate[] = [];
  let horizon = "";
  for (let i = 0; i < keys.length; i += KEYS_AT_ONCE) {
    const some = keys.slice(i, i + KEYS_AT_ONCE);
    // The keys come by their newest request: from here on all are older than what is needed.
    const enough = candidates.filter(({ fits }) => fits === 1)[limit]?.id ?? horizon;
    if (some[0] && some[0].head < enough) break;
    const reads = some.map((key) => {
      const toCheck = others(key);
      const most = toCheck.length === 0 ? limit + 1 : Math.max(MOST_LOOKED_AT, limit + 1);
      const columns = whole ? SUMMARY : "id";
      return { most, statement: read(d1, columns, found, key, toCheck, range, most) };
    });
    const pages = await d1.batch<Candidate>(reads.map(({ statement }) => statement));
    for (const [place, { results }] of pages.entries()) {
      candidates.push(...results);
      const last = results.length === reads[place]?.most ? results.at(-1)?.id : undefined;
      if (last !== undefined && last > horizon) horizon = last;
    }
    candidates = candidates.filter(({ id }) => id >= horizon).sort((a, b) => (a.id < b.id ? 1 : -1));
  }
  return { candidates, horizon, whole };
}

/** Reads the newest requests of a key, or of all, and whether they fit. */
function read(
  d1: D1Database,
  columns: string,
  found: Finding | undefined,
  key: Key | null,
  others: readonly Condition[],
  range: Range,
  most: number,
): D1PreparedStatement {
  const fits = others.map((condition) => `(${condition.sql})`).join(" AND ") || "1";
  const values: (string | number)[] = others.flatMap((condition) => condition.values);
  let source = "WHERE true";
  if (found !== undefined && key !== null) {
    source = `INDEXED BY ${found.index.name} WHERE ${found.index.where} AND ${found.index.key} = ?`;
    values.push(key.key);
  }
  return d1
    .prepare(
      `SELECT ${columns}, ${fits} AS fits FROM requests ${source} AND id >= ? AND id < ? ORDER BY id DESC LIMIT ?`,
    )
    .bind(...values, range.from, range.before, most);
}

interface Key {
  readonly key: string;
  /** The newest request that has it. */
  readonly head: string;
}

/**
 * The keys that occur, each with its newest request, by that; one that is asked for by itself as it is.
 * SQLite walks from key to key: the cost is that of the keys, not of the requests.
 */
async function keysOf(d1: D1Database, { index, from, to, passes }: Finding, range: Range): Promise<Key[]> {
  if (from === to) return [{ key: from, head: range.before }];
  const { name, key, where } = index;
  const source = `FROM requests INDEXED BY ${name} WHERE ${where}`;
  const { results } = await d1
    .prepare(
      `WITH RECURSIVE keys(key) AS (
         SELECT min(${key}) ${source} AND ${key} >= ?1 AND ${key} <= ?2
         UNION ALL
         SELECT (SELECT min(${key}) ${source} AND ${key} > keys.key AND ${key} <= ?2)
         FROM keys WHERE keys.key IS NOT NULL)
       SELECT keys.key, (SELECT max(id) ${source} AND ${key} = keys.key AND id >= ?3 AND id < ?4) AS head
       FROM keys WHERE keys.key IS NOT NULL`,
    )
    .bind(from, to, range.from, range.before)
    .all<{ key: string; head: string | null }>();
  return results
    .filter((found): found is Key => found.head !== null && (passes?.(found.key) ?? true))
    .sort((a, b) => (a.head < b.head ? 1 : -1));
}

async function fetchRows(d1: D1Database, ids: readonly string[]): Promise<RequestSummary[]> {
  if (ids.length === 0) return [];
  return drizzle(d1)
    .select(summary)
    .from(requests)
    .where(sql`${requests.id} IN (SELECT value FROM json_each(${JSON.stringify(ids)}))`)
    .orderBy(desc(requests.id));
}
