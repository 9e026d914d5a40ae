import { useCallback, useState } from "preact/hooks";
import type { paths } from "../api/client.ts";
import { api, type CallFailed, readAnswer, type Schemas } from "../api/client.ts";
import { toCallFailed, useAnswer } from "../components/use-answer.ts";

export const PAGE_ROWS = 50;

/** The names of the filters in the API. */
export const FILTERS = [
  "since",
  "until",
  "status",
  "route",
  "model",
  "caller",
  "path",
  "minDuration",
] as const;
/** The values of the filters as text. The API checks them. */
export type LogFilter = Readonly<Partial<Record<(typeof FILTERS)[number], string>>>;
type Query = NonNullable<paths["/v1/requests"]["get"]["parameters"]["query"]>;
type Page = Schemas["RequestsResponse"];

/** A filter as the parameters of a query. A query holds text, also for numbers. */
export const toQuery = (filter: LogFilter): Query => filter as unknown as Query;

interface OlderPages {
  /** The page that these pages follow. With another newest page they are out of date. */
  readonly newest: Page | null;
  readonly pages: readonly Page[];
  readonly failure: CallFailed | null;
  readonly isLoading: boolean;
}

export interface RequestLog {
  readonly filter: LogFilter;
  /** Null before the first answer. */
  readonly rows: Page["requests"] | null;
  /** The last answer has fewer rows than asked for, although more can follow. */
  readonly isShort: boolean;
  readonly hasOlder: boolean;
  readonly failure: CallFailed | null;
  readonly olderFailure: CallFailed | null;
  readonly isLoading: boolean;
  readonly isLoadingOlder: boolean;
  readonly search: (filter: LogFilter) => void;
  readonly reload: () => void;
  readonly loadOlder: () => Promise<void>;
  /** Takes erased requests out of the list. */
  readonly remove: (ids: readonly string[]) => void;
}

/** Reads the request log page by page, newest first. */
export function useLog(): RequestLog {
  const [filter, setFilter] = useState<LogFilter>({});
  const [removed, setRemoved] = useState<ReadonlySet<string>>(new Set());
  const [stored, setOlder] = useState<OlderPages>(startAfter(null));
  const read = useCallback((signal: AbortSignal) => readPage(filter, undefined, signal), [filter]);
  const { data: newest, failure, isLoading, reload } = useAnswer(read);
  const older = stored.newest === newest ? stored : startAfter(newest);
  const last = older.pages.at(-1) ?? newest;

  const loadOlder = async () => {
    if (last === null || last.next === null || older.isLoading) return;
    setOlder({ ...older, failure: null, isLoading: true });
    // If the newest page was read again meanwhile, this answer no longer follows it.
    const update = (next: Partial<OlderPages>) =>
      setOlder((before) => (before.newest === newest ? { ...before, ...next, isLoading: false } : before));
    try {
      update({ pages: [...older.pages, await readPage(filter, last.next)] });
    } catch (error) {
      update({ failure: toCallFailed(error) });
    }
  };
  const rows = newest && [newest, ...older.pages].flatMap(({ requests }) => requests);
  return {
    filter,
    rows: rows?.filter(({ id }) => !removed.has(id)) ?? null,
    isShort: last !== null && last.next !== null && last.requests.length < PAGE_ROWS,
    hasOlder: last !== null && last.next !== null,
    failure,
    olderFailure: older.failure,
    isLoading,
    isLoadingOlder: older.isLoading,
    search: (next) => setFilter({ ...next }),
    reload,
    loadOlder,
    remove: (ids) => setRemoved((before) => new Set([...before, ...ids])),
  };
}

function startAfter(newest: Page | null): OlderPages {
  return { newest, pages: [], failure: null, isLoading: false };
}

function readPage(filter: LogFilter, next?: string, signal?: AbortSignal): Promise<Page> {
  const query = { ...toQuery(filter), limit: PAGE_ROWS, ...(next === undefined ? {} : { next }) };
  return readAnswer(
    api.GET("/v1/requests", { params: { query }, ...(signal === undefined ? {} : { signal }) }),
  );
}
