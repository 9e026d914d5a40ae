import type { LogEntry } from "./entry.ts";

/** A line of CSV holds each field of an entry; a model is written as `log-linear@3`. */
const COLUMNS = [
  "id",
  "at",
  "method",
  "path",
  "route",
  "query",
  "status",
  "durationMs",
  "model",
  "price",
  "shadowModel",
  "shadowPrice",
  "caller",
  "userAgent",
  "country",
  "colo",
  "problem",
] as const;

/** The formats of an export: their media types, and how entries become text. */
export const EXPORTS = {
  ndjson: {
    type: "application/x-ndjson",
    start: "",
    line: (entry: LogEntry) => `${JSON.stringify(entry)}\n`,
  },
  csv: { type: "text/csv", start: `${COLUMNS.join(",")}\r\n`, line: csvLine },
} as const;

/**
 * Streams pages of entries as text: the next page is read when the one before has been taken, so that
 * memory holds one, however many there are. A fault on the way breaks the connection off, so that nobody
 * takes a part for the whole.
 */
export function exportEntries(
  pages: AsyncIterator<readonly LogEntry[]>,
  { start, line }: (typeof EXPORTS)[keyof typeof EXPORTS],
): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  return new ReadableStream<Uint8Array>({
    start: (controller) => controller.enqueue(encoder.encode(start)),
    async pull(controller) {
      const { done, value } = await pages.next();
      if (done) controller.close();
      else controller.enqueue(encoder.encode(value.map(line).join("")));
    },
    async cancel() {
      await pages.return?.();
    },
  });
}

function csvLine({ model, shadow, ...entry }: LogEntry): string {
  const version = (one: LogEntry["model"]) => one && `${one.name}@${one.version}`;
  const cells: Record<(typeof COLUMNS)[number], string | number | null> = {
    ...entry,
    model: version(model),
    shadowModel: version(shadow),
    shadowPrice: shadow?.price ?? null,
  };
  return `${COLUMNS.map((name) => csvCell(cells[name])).join(",")}\r\n`;
}

/** Text that a spreadsheet would take for a formula gets an apostrophe before it. */
function csvCell(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = /^[=+\-@\t\r]/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
