import { formatVersion } from "../../domain/models/model-reference.ts";
import { toCsvLine } from "../../lib/csv.ts";
import type { LogEntry } from "./entry.ts";

type CsvValue = string | number | null;
type CsvColumn = Exclude<keyof LogEntry, "shadow"> | "shadowModel" | "shadowPrice";

/** The columns of the CSV export, in order. The type requires one for every field of an entry. */
const CSV_COLUMNS: Record<CsvColumn, (entry: LogEntry) => CsvValue> = {
  id: ({ id }) => id,
  at: ({ at }) => at,
  method: ({ method }) => method,
  path: ({ path }) => path,
  route: ({ route }) => route,
  query: ({ query }) => query,
  status: ({ status }) => status,
  durationMs: ({ durationMs }) => durationMs,
  model: ({ model }) => model && formatVersion(model),
  price: ({ price }) => price,
  shadowModel: ({ shadow }) => shadow && formatVersion(shadow),
  shadowPrice: ({ shadow }) => shadow?.price ?? null,
  caller: ({ caller }) => caller,
  userAgent: ({ userAgent }) => userAgent,
  country: ({ country }) => country,
  colo: ({ colo }) => colo,
  problem: ({ problem }) => problem,
  repeats: ({ repeats }) => repeats,
};

/** The formats of an export: media type, text before the first entry, and text of an entry. */
export const EXPORTS = {
  ndjson: {
    type: "application/x-ndjson",
    header: "",
    toLine: (entry: LogEntry) => `${JSON.stringify(entry)}\n`,
  },
  csv: {
    type: "text/csv",
    header: toCsvLine(Object.keys(CSV_COLUMNS)),
    toLine: (entry: LogEntry) => toCsvLine(Object.values(CSV_COLUMNS).map((getValue) => getValue(entry))),
  },
} as const;

/**
 * Streams pages of entries as text. The next page is read only after the previous page was sent, so memory
 * holds one page. An error aborts the response, so that the client does not take it for complete.
 */
export function exportEntries(
  pages: AsyncIterator<readonly LogEntry[]>,
  { header, toLine }: (typeof EXPORTS)[keyof typeof EXPORTS],
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(header)),
    async pull(controller) {
      const { done, value } = await pages.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value.map(toLine).join("")));
    },
    async cancel() {
      await pages.return?.();
    },
  });
}
