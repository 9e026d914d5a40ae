import { parse } from "csv-parse/sync";
import { findColumns } from "./header.ts";

/** A longer record or first line is an error. Usually a quote is not closed, or the file is not CSV. */
export const MAX_RECORD_BYTES = 65_536;

const COMMA = ",";
/** The first delimiter that makes the most required columns out of the header is used. */
const DELIMITERS = [COMMA, ";", "\t", "|", " "] as const;
/** Excel writes this line before the header, and reads the delimiter from it. */
const SEPARATOR_LINE = /^"?sep=(.)"?$/i;

/** How a file is divided into lines and columns. */
export interface CsvLayout {
  readonly delimiter: string;
  readonly recordDelimiters: readonly string[];
  /** Bytes and lines before the header. */
  readonly skippedBytes: number;
  readonly skippedLines: number;
  /** Whether the decimal separator may be a comma. Where it separates columns, it is not. */
  readonly allowsDecimalComma: boolean;
}

/**
 * Finds the layout of a file from its beginning.
 * @param isComplete whether the beginning is the whole file
 * @returns null if the beginning does not have the header yet
 */
export function findLayout(beginning: Buffer, isComplete: boolean): CsvLayout | null {
  const text = beginning.toString("latin1");
  const { line, end, lineEnd } = findLine(text, 0);
  const separator = SEPARATOR_LINE.exec(line)?.[1];
  if (separator !== undefined && isWhole(text, end, lineEnd, isComplete)) {
    return { ...createLayout(separator, lineEnd), skippedBytes: end + lineEnd.length, skippedLines: 1 };
  }
  // Blank lines before the header are skipped by the parser, and counted.
  const start = text.search(/[^\s\uFEFF]/);
  if (start < 0 && !isComplete) return null;
  const header = findLine(text, Math.max(start, 0));
  if (!isWhole(text, header.end, header.lineEnd, isComplete)) return null;
  return createLayout(chooseDelimiter(header.line), header.lineEnd);
}

/** A line is whole if it is clear how it ends: after a CR at the end of the text, an LF may follow. */
function isWhole(text: string, end: number, lineEnd: string, isComplete: boolean): boolean {
  return isComplete || (lineEnd !== "" && !(lineEnd === "\r" && end + 1 === text.length));
}

function findLine(text: string, start: number): { line: string; end: number; lineEnd: string } {
  const length = text.slice(start).search(/[\r\n]/);
  const end = length < 0 ? text.length : start + length;
  const lineEnd = text.startsWith("\r\n", end) ? "\r\n" : text.slice(end, end + 1);
  return { line: text.slice(start, end), end, lineEnd };
}

function createLayout(delimiter: string, lineEnd: string): CsvLayout {
  return {
    delimiter,
    recordDelimiters: lineEnd === "\r" ? ["\r"] : ["\r\n", "\n"],
    skippedBytes: 0,
    skippedLines: 0,
    allowsDecimalComma: delimiter !== COMMA,
  };
}

function chooseDelimiter(line: string): string {
  const candidates = DELIMITERS.map((delimiter) => {
    const names = splitLine(line, delimiter);
    const found = [...findColumns(names).values()].filter((positions) => positions.length > 0).length;
    return { delimiter, found, columns: delimiter === " " ? 0 : names.length };
  });
  const [best] = candidates.sort((a, b) => b.found - a.found || b.columns - a.columns);
  return best?.delimiter ?? COMMA;
}

function splitLine(line: string, delimiter: string): string[] {
  try {
    const [names = []] = parse(line, { delimiter, relax_quotes: true, relax_column_count: true, trim: true });
    return names;
  } catch {
    // A quote is not closed, with this delimiter or because a name has a line break.
    return [];
  }
}
