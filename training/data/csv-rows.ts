import type { Readable } from "node:stream";
import { type Info, parse } from "csv-parse";
import { UserError } from "../../cloudflare/user-error.ts";
import { type RawRow, REQUIRED_COLUMNS } from "./clean-row.ts";
import type { Source } from "./source.ts";

/** A longer record is an error. Usually a quote is not closed, or the file is not CSV. */
const MAX_RECORD_BYTES = 65_536;

type RequiredColumn = (typeof REQUIRED_COLUMNS)[number];

/** A data row of a CSV file. */
export interface CsvRow {
  readonly line: number;
  /** The required columns; null if the row and the header differ in their number of columns. */
  readonly values: RawRow | null;
  readonly columnCount: number;
  readonly headerColumnCount: number;
}

/**
 * Streams the data rows of a source.
 * @throws UserError with the name of the source if it cannot be read, is empty, or lacks a required column
 */
export async function* readCsvRows(source: Source): AsyncGenerator<CsvRow> {
  let header: Header | undefined;
  for await (const { record, info } of readCsvRecords(source)) {
    if (header === undefined) {
      header = readHeader(source.name, record);
      continue;
    }
    const { columnCount: headerColumnCount } = header;
    const values = record.length === headerColumnCount ? selectColumns(record, header) : null;
    yield { line: info.lines, values, columnCount: record.length, headerColumnCount };
  }
  if (header === undefined) throw new UserError(`${source.name}: the file is empty`);
}

/** Streams the records of a source. The first record is the header. */
async function* readCsvRecords(source: Source): AsyncGenerator<{ record: string[]; info: Info }> {
  const parser = parse({
    bom: true,
    info: true,
    max_record_size: MAX_RECORD_BYTES,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    trim: true,
  });
  let stream: Readable | undefined;
  try {
    stream = await source.open();
    stream.on("error", (error) => parser.destroy(error));
    stream.pipe(parser);
    yield* parser;
  } catch (cause) {
    if (cause instanceof UserError) throw cause;
    const reason = cause instanceof Error ? cause.message : "cannot be read";
    throw new UserError(`${source.name}: ${reason}`, { cause });
  } finally {
    stream?.destroy();
  }
}

interface Header {
  readonly columnCount: number;
  readonly positions: ReadonlyMap<RequiredColumn, number>;
}

/**
 * Finds the position of each required column. Additional columns are ignored.
 * @throws UserError if a required column is missing, or if the header has it twice
 */
function readHeader(sourceName: string, record: readonly string[]): Header {
  const names = record.map((column) => column.toLowerCase());
  const positions = new Map<RequiredColumn, number>();
  for (const column of REQUIRED_COLUMNS) {
    const position = names.indexOf(column);
    if (position < 0) throw new UserError(`${sourceName}: the header has no column ${column}`);
    if (names.lastIndexOf(column) !== position) {
      throw new UserError(`${sourceName}: the header has the column ${column} twice`);
    }
    positions.set(column, position);
  }
  return { columnCount: record.length, positions };
}

function selectColumns(record: readonly string[], { positions }: Header): RawRow {
  const row: Partial<Record<RequiredColumn, string>> = {};
  for (const [column, position] of positions) row[column] = record[position] ?? "";
  return row;
}
