import { UserError } from "../../cloudflare/user-error.ts";
import type { DatasetSource } from "../../src/db/registry/schema.ts";
import type { PricedStone } from "../../src/domain/diamond.ts";
import { findContradictions } from "../../src/domain/measurements/find-contradictions.ts";
import { explainNumber } from "../csv/parse-number.ts";
import { type CsvRow, readCsvRows } from "../csv/read-rows.ts";
import type { Source } from "../csv/read-text.ts";
import { escapeText, quoteText } from "../files/quote-text.ts";
import { type CleanedRow, cleanRow, type RejectionReason } from "./clean-row.ts";
import { assignIds, type DatasetStone } from "./dataset-stone.ts";
import { type Rejection, type RejectionCounts, RejectionLog } from "./rejections.ts";

/** The stones of one source, and the record of the source in the registry. */
export interface SourceStones {
  readonly stones: readonly DatasetStone[];
  readonly source: DatasetSource;
  /** Descriptions of the first rejected rows. */
  readonly examples: readonly string[];
  /** What was rejected, by reason and column. */
  readonly notes?: readonly string[];
}

/** Number of sources and of sentences that an error text has. */
const MAX_NAMED_SOURCES = 5;
const MAX_SENTENCES = 12;

/**
 * Reads and cleans the rows of some sources, and gives the stones their ids.
 * @throws UserError if a source cannot be read, or if less than half of all rows are valid
 */
export async function readSources(sources: readonly Source[]): Promise<SourceStones[]> {
  const results: SourceStones[] = [];
  const logs: RejectionLog[] = [];
  for (const source of sources) {
    const log = new RejectionLog(source.name);
    logs.push(log);
    results.push(await readSource(source, log));
  }
  const rejected = sumRejections(results);
  const validRows = results.reduce((sum, { stones }) => sum + stones.length, 0);
  const rejectedRows = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  if (sources.length > 0 && (validRows < rejectedRows || validRows === 0)) {
    const names = joinSome(
      results.map(({ source }) => escapeText(source.name, 200)),
      ", ",
      MAX_NAMED_SOURCES,
    );
    const reasons = Object.entries(rejected).map(([reason, count]) => `${reason}: ${count}`);
    const sentences = logs.flatMap((log) => (logs.length > 1 ? log.notes : log.describe()));
    throw new UserError(
      [
        `${names}: only ${validRows} of ${validRows + rejectedRows} rows are valid (${reasons.join(", ") || "no rows"})`,
        ...(sentences.length > 0 ? [joinSome(sentences, "; ", MAX_SENTENCES)] : []),
      ].join("; "),
    );
  }
  return results;
}

function joinSome(texts: readonly string[], separator: string, maxTexts: number): string {
  const more = texts.length > maxTexts ? [`and ${texts.length - maxTexts} more`] : [];
  return [...texts.slice(0, maxTexts), ...more].join(separator);
}

/** Adds up the rejected rows of all sources. */
export function sumRejections(results: readonly SourceStones[]): RejectionCounts {
  const total: Partial<Record<RejectionReason, number>> = {};
  for (const { source } of results) {
    for (const [reason, count] of Object.entries(source.rejected) as [RejectionReason, number][]) {
      total[reason] = (total[reason] ?? 0) + count;
    }
  }
  return total;
}

async function readSource(source: Source, log: RejectionLog): Promise<SourceStones> {
  const stones: PricedStone[] = [];
  const lines: number[] = [];
  const readAt = new Date().toISOString();
  for await (const rows of readCsvRows(source)) {
    for (const row of rows) {
      const cleaned = row.values === null ? null : cleanRow(row.values, row);
      if (cleaned !== null && "stone" in cleaned) {
        stones.push(cleaned.stone);
        lines.push(row.line);
      } else log.add(describeRejection(row, cleaned));
    }
  }
  // After all rows: some faults can be told from misprints only in many stones.
  const contradictions = findContradictions(stones);
  for (const [i, contradiction] of contradictions.entries()) {
    if (contradiction === null) continue;
    const { message: found } = contradiction;
    log.add({ reason: "contradicting measurements", line: lines[i]!, column: null, found, hint: null });
  }
  const accepted = stones.filter((_, i) => contradictions[i] === null);
  return {
    stones: assignIds(accepted),
    source: { name: source.name, rows: accepted.length, rejected: { ...log.counts }, readAt },
    examples: log.examples,
    notes: log.notes,
  };
}

function describeRejection(
  row: CsvRow,
  cleaned: Exclude<CleanedRow, { stone: PricedStone }> | null,
): Rejection {
  const { line, values, columnCount, expectedColumnCount } = row;
  if (values === null || cleaned === null) {
    const found = `${columnCount} instead of ${expectedColumnCount}`;
    const mayHaveComma = columnCount > expectedColumnCount && !row.allowsDecimalComma;
    const hint = mayHaveComma ? "a value with a comma in it needs quotes" : null;
    return { reason: "wrong number of columns", line, column: null, found, hint };
  }
  const { reason, column } = cleaned;
  const text = values[column] ?? "";
  const needsNoValue = reason === "zero dimension" || reason === "missing value";
  return {
    reason,
    line,
    column,
    found: needsNoValue ? null : quoteText(text),
    hint: reason === "not a number" ? explainNumber(column, text, row) : null,
  };
}
