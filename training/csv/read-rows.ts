import { CsvError, type Info, type Parser, parse } from "csv-parse";
import { UserError } from "../../cloudflare/user-error.ts";
import { findGrade, GRADE_COLUMNS } from "../../src/domain/diamond.ts";
import { escapeText } from "../files/quote-text.ts";
import { type Header, readHeader } from "./header.ts";
import { type CsvLayout, findLayout, MAX_RECORD_BYTES } from "./layout.ts";
import type { RawRow, RequiredColumn } from "./raw-row.ts";
import { readText, type Source } from "./read-text.ts";

/** A data row of a CSV file. */
export interface CsvRow {
  readonly line: number;
  /** The required columns; null if the row has a wrong number of columns. */
  readonly values: RawRow | null;
  readonly columnCount: number;
  readonly expectedColumnCount: number;
  readonly allowsDecimalComma: boolean;
}

interface CsvRecord {
  readonly record: string[];
  readonly info: Info;
}

/** What the parser says about a file, by its error codes. */
const PARSER_FAULTS: Readonly<Record<string, string>> = {
  CSV_MAX_RECORD_SIZE: "a quote is not closed, or the file is not CSV",
  CSV_QUOTE_NOT_CLOSED: "a quote is not closed",
  CSV_NON_TRIMABLE_CHAR_AFTER_CLOSING_QUOTE: "after a closing quote, only a separator may follow",
};

/**
 * Streams the data rows of a source, some at a time.
 * @throws UserError with the name of the source if it cannot be read, is empty, or lacks a required column
 */
export async function* readCsvRows(source: Source): AsyncGenerator<CsvRow[]> {
  let convert: ((record: CsvRecord) => CsvRow) | undefined;
  try {
    for await (const { records, layout } of readCsvRecords(source)) {
      if (convert === undefined) {
        const [header] = records.splice(0, 1);
        if (header === undefined) continue;
        convert = createRowConverter(readHeader(source.name, header.record), layout);
      }
      yield records.map(convert);
    }
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    const reason = cause instanceof Error ? cause.message : "cannot be read";
    const hint = cause instanceof CsvError ? PARSER_FAULTS[cause.code] : undefined;
    const text = [escapeText(reason, 300), ...(hint ? [hint] : [])].join(": ");
    throw new UserError(`${source.name}: ${text}`, { cause });
  }
  if (convert === undefined) throw new UserError(`${source.name}: the file is empty`);
}

/** Streams the records of a source, those of a chunk at a time. The first record is the header. */
async function* readCsvRecords(source: Source): AsyncGenerator<{ records: CsvRecord[]; layout: CsvLayout }> {
  const chunks = readText(source);
  try {
    const { beginning, layout } = await readLayout(source.name, chunks);
    const parser = createParser(layout);
    yield { records: parseChunk(parser, beginning.subarray(layout.skippedBytes)), layout };
    for await (const chunk of chunks) yield { records: parseChunk(parser, chunk), layout };
    parser.end();
    yield { records: await Array.fromAsync(parser as AsyncIterable<CsvRecord>), layout };
  } finally {
    await chunks.return(undefined);
  }
}

/** Reads chunks until the header is complete. */
async function readLayout(
  sourceName: string,
  chunks: AsyncGenerator<Buffer>,
): Promise<{ beginning: Buffer; layout: CsvLayout }> {
  let beginning = Buffer.alloc(0);
  for (;;) {
    const { value, done } = await chunks.next();
    if (!done) beginning = Buffer.concat([beginning, value]);
    const layout = findLayout(beginning, done === true);
    if (layout !== null) return { beginning, layout };
    if (beginning.length > MAX_RECORD_BYTES) {
      throw new UserError(
        `${sourceName}: the first line is longer than ${MAX_RECORD_BYTES} bytes: the file is not CSV`,
      );
    }
  }
}

function createParser({ delimiter, recordDelimiters }: CsvLayout): Parser {
  const parser = parse({
    delimiter,
    record_delimiter: [...recordDelimiters],
    info: true,
    max_record_size: MAX_RECORD_BYTES,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    trim: true,
  });
  // An error is thrown by the call that causes it. Without a listener it would end the process.
  return parser.on("error", () => {});
}

/** Parses a chunk and returns the records that it completes. They are read at once: one at a time takes twice as long. */
function parseChunk(parser: Parser, chunk: Buffer): CsvRecord[] {
  parser.write(chunk);
  const records: CsvRecord[] = [];
  for (let record = parser.read(); record !== null; record = parser.read()) records.push(record);
  if (parser.errored) throw parser.errored;
  return records;
}

/** Creates the function that makes a row of a record. The first record decides whether rows have names. */
function createRowConverter(header: Header, layout: CsvLayout): (record: CsvRecord) => CsvRow {
  const { positions, columnCount: headerColumnCount } = header;
  const select = (record: readonly string[], offset: number): RawRow => {
    const row: Partial<Record<RequiredColumn, string>> = {};
    for (const [column, position] of positions) row[column] = record[position + offset] ?? "";
    return row;
  };
  let rowNames: boolean | undefined;
  return ({ record, info }) => {
    rowNames ??= hasRowNames(record, header);
    const offset = rowNames ? 1 : 0;
    const expectedColumnCount = headerColumnCount + offset;
    const isValid = record.length === expectedColumnCount && (!rowNames || isRowName(record[0]));
    return {
      line: info.lines + layout.skippedLines,
      values: isValid ? select(record, offset) : null,
      columnCount: record.length,
      expectedColumnCount,
      allowsDecimalComma: layout.allowsDecimalComma,
    };
  };
}

/**
 * Whether the rows have one column more than the header: R's write.table writes a number before each row and no
 * name for it. A price with an unquoted comma also adds a column. The grades tell the two apart, if one of them
 * comes before the price: it would not be in its place.
 */
function hasRowNames(record: readonly string[], { positions, columnCount }: Header): boolean {
  const getPosition = (column: RequiredColumn) => positions.get(column) ?? 0;
  return (
    record.length === columnCount + 1 &&
    isRowName(record[0]) &&
    GRADE_COLUMNS.some((column) => getPosition(column) < getPosition("price")) &&
    GRADE_COLUMNS.every((column) => findGrade(column, record[getPosition(column) + 1] ?? "") !== undefined)
  );
}

function isRowName(cell: string | undefined): boolean {
  return cell !== undefined && /^\d{1,15}$/.test(cell);
}
