import { formatVersion } from "../../domain/models/model-reference.ts";
import type { Selector } from "../../domain/models/model-selector.ts";
import { SEARCH_INDEXES } from "./schema.ts";

/** The filters of a search. A request must match all of them. */
export interface RequestFilter {
  /** From this time on, milliseconds since 1970. */
  readonly since?: number | undefined;
  /** Before this time. */
  readonly until?: number | undefined;
  /** First and last status. */
  readonly status?: readonly [number, number] | undefined;
  readonly route?: string | undefined;
  readonly model?: Selector | undefined;
  /** Milliseconds. */
  readonly minDuration?: number | undefined;
  /** Text that the path contains. */
  readonly path?: string | undefined;
  readonly caller?: string | undefined;
}

export interface Condition {
  readonly sql: string;
  readonly values: readonly (string | number)[];
  /** Keys of an index whose rows include all that match; undefined if no index helps. */
  readonly keys?: IndexKeys | undefined;
}

/** Keys of an index. */
export interface IndexKeys {
  readonly index: (typeof SEARCH_INDEXES)[keyof typeof SEARCH_INDEXES];
  /** The first and the last key, both included. */
  readonly first: string;
  readonly last: string;
  /** Whether a key between the first and the last belongs to them; without this function all do. */
  readonly includes?: (key: string) => boolean;
  /** Whether every row of a key matches, so that the condition need not be checked. */
  readonly matchesAllRows: (key: string) => boolean;
}

/** The index of slow requests has no shorter durations. */
const MIN_INDEXED_DURATION_MS = 16;

/** The conditions of a filter. The first one that an index helps with is the most selective. */
export function toConditions({
  status,
  minDuration,
  caller,
  route,
  model,
  path,
}: RequestFilter): Condition[] {
  const conditions: Condition[] = [];
  if (status !== undefined) conditions.push(matchStatus(status));
  if (minDuration !== undefined) conditions.push(matchDuration(minDuration));
  if (route !== undefined || model !== undefined) conditions.push(matchRouteAndModel(route, model));
  if (caller !== undefined) conditions.push(matchCaller(caller));
  if (path !== undefined) conditions.push({ sql: "instr(path, ?) > 0", values: [path] });
  return conditions;
}

function matchStatus(status: readonly [number, number]): Condition {
  const [first, last] = status;
  const includes200 = first <= 200 && last >= 200;
  return {
    sql: "status BETWEEN ? AND ?",
    values: status,
    keys: includes200
      ? undefined
      : {
          index: SEARCH_INDEXES.status,
          first: String(first),
          last: String(last),
          matchesAllRows: () => true,
        },
  };
}

function matchDuration(minDuration: number): Condition {
  const first = String(10 + Math.floor(Math.log2(minDuration)));
  return {
    sql: "duration_ms >= ?",
    values: [minDuration],
    keys:
      minDuration < MIN_INDEXED_DURATION_MS
        ? undefined
        : {
            index: SEARCH_INDEXES.slow,
            first,
            last: "99",
            // The first key also has rows that are faster than `minDuration`.
            matchesAllRows: (key) => key !== first,
          },
  };
}

function matchRouteAndModel(route: string | undefined, model: Selector | undefined): Condition {
  const parts: { sql: string; value: string | number }[] = [];
  if (route !== undefined) parts.push({ sql: "route = ?", value: route });
  if (model !== undefined) parts.push({ sql: "model = ?", value: model.name });
  if (model?.kind === "version") parts.push({ sql: "model_version = ?", value: model.version });
  return {
    sql: parts.map(({ sql }) => sql).join(" AND "),
    values: parts.map(({ value }) => value),
    keys: {
      index: SEARCH_INDEXES.answered,
      first: route === undefined ? "" : `${route} `,
      // Sorts after every key, or after every key of the route: `!` is the next character after the space.
      last: route === undefined ? "\u{10ffff}" : `${route}!`,
      includes: (key) => {
        if (model === undefined) return true;
        const version = key.slice(key.indexOf(" ") + 1);
        return model.kind === "version"
          ? version === formatVersion(model)
          : version.startsWith(`${model.name}@`);
      },
      matchesAllRows: () => true,
    },
  };
}

function matchCaller(caller: string): Condition {
  return {
    sql: "caller = ?",
    values: [caller],
    keys: { index: SEARCH_INDEXES.caller, first: caller, last: caller, matchesAllRows: () => true },
  };
}
