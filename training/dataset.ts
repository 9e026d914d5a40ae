import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { type Info, parse } from "csv-parse";
import type { DatasetSource } from "../src/db/registry.ts";
import type { PricedStone } from "../src/domain/diamond.ts";
import { SPLIT_PRIME } from "../src/domain/split.ts";
import { measurementsText, rowText } from "../src/domain/stone-text.ts";
import { clean, type RawRow, REQUIRED_COLUMNS, type Rejection } from "./clean.ts";
import { Failure } from "./failure.ts";
import type { Source } from "./source.ts";

/** A stone as datasets keep it: with its id and what the split hashes (src/domain/split.ts). */
export interface DatasetStone extends PricedStone {
  readonly id: string;
  readonly splitKey: number;
}

export interface Dataset {
  /** SHA-256 of the canonical rows, hexadecimal: the same rows in any order have the same id. */
  readonly id: string;
  readonly stones: readonly DatasetStone[];
  readonly sources: readonly DatasetSource[];
  /** Rows rejected, by reason, over all sources. */
  readonly rejected: Readonly<Partial<Record<Rejection, number>>>;
  /** The first rejected rows, for people to look up. */
  readonly examples: readonly string[];
}

interface Rows {
  readonly stones: PricedStone[];
  readonly source: DatasetSource;
  readonly examples: string[];
}

const EXAMPLES = 5;
const MAXIMUM_RECORD_BYTES = 65_536;

/**
 * Reads, cleans and identifies the rows of some sources.
 * @throws Failure naming the source and the column where one cannot be read, and where less than half of
 *   all rows is fit for training.
 */
export async function readDataset(sources: readonly Source[]): Promise<Dataset> {
  const read: Rows[] = [];
  for (const source of sources) read.push(await readSource(source));
  const rejected: Partial<Record<Rejection, number>> = {};
  for (const { source } of read) {
    for (const [reason, count] of Object.entries(source.rejected) as [Rejection, number][]) {
      rejected[reason] = (rejected[reason] ?? 0) + count;
    }
  }
  const stones = read.flatMap((rows) => rows.stones);
  const lost = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  if (stones.length < lost || stones.length === 0) {
    const reasons = Object.entries(rejected).map(([reason, count]) => `${reason}: ${count}`);
    const names = read.map((rows) => rows.source.name).join(", ");
    throw new Failure(
      `${names}: only ${stones.length} of ${stones.length + lost} rows are fit for training (${reasons.join(", ") || "no rows"})`,
    );
  }
  return {
    ...identify(stones),
    sources: read.map((rows) => rows.source),
    rejected,
    examples: read.flatMap((rows) => rows.examples).slice(0, EXAMPLES),
  };
}

/** Gives stones their ids, and the dataset its own. */
export function identify(stones: readonly PricedStone[]): Pick<Dataset, "id" | "stones"> {
  const copies = new Map<string, number>();
  const identified = stones.map((stone): DatasetStone => {
    const first = rowText(stone);
    const copy = copies.get(first) ?? 0;
    copies.set(first, copy + 1);
    return {
      ...stone,
      id: createHash("sha256").update(rowText(stone, copy)).digest("hex").slice(0, 16),
      splitKey: createHash("sha256").update(measurementsText(stone)).digest().readUIntBE(0, 6) % SPLIT_PRIME,
    };
  });
  return { id: datasetId(identified), stones: identified };
}

/** A dataset's id from its stones, in whatever order. */
export function datasetId(stones: readonly DatasetStone[]): string {
  const hash = createHash("sha256");
  for (const id of stones.map((stone) => stone.id).sort()) hash.update(id);
  return hash.digest("hex");
}

async function readSource(source: Source): Promise<Rows> {
  const rows: Rows = {
    stones: [],
    source: { name: source.name, rows: 0, rejected: {}, readAt: new Date().toISOString() },
    examples: [],
  };
  const reject = (reason: Rejection, line: number, column: string) => {
    rows.source.rejected[reason] = (rows.source.rejected[reason] ?? 0) + 1;
    if (rows.examples.length < EXAMPLES)
      rows.examples.push(`${source.name}, line ${line}: ${reason} (${column})`);
  };
  let header: Header | undefined;
  for await (const { record, info } of parseCsv(source)) {
    if (header === undefined) {
      header = readHeader(source.name, record);
    } else if (record.length !== header.columns) {
      reject("wrong number of columns", info.lines, `${record.length} of ${header.columns}`);
    } else {
      const cleaned = clean(pick(record, header));
      if ("stone" in cleaned) rows.stones.push(cleaned.stone);
      else reject(cleaned.reason, info.lines, cleaned.column);
    }
  }
  if (header === undefined) throw new Failure(`${source.name}: the file is empty`);
  rows.source.rows = rows.stones.length;
  return rows;
}

/** The records of a source, the header among them, streamed. */
async function* parseCsv(source: Source): AsyncGenerator<{ record: string[]; info: Info }> {
  const parser = parse({
    bom: true,
    info: true,
    max_record_size: MAXIMUM_RECORD_BYTES,
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
    if (cause instanceof Failure) throw cause;
    throw new Failure(`${source.name}: ${cause instanceof Error ? cause.message : "cannot be read"}`, {
      cause,
    });
  } finally {
    stream?.destroy();
  }
}

interface Header {
  readonly columns: number;
  readonly positions: ReadonlyMap<(typeof REQUIRED_COLUMNS)[number], number>;
}

/** Where each required column stands. Other columns are allowed and ignored. */
function readHeader(name: string, record: readonly string[]): Header {
  const found = record.map((column) => column.toLowerCase());
  const positions = new Map<(typeof REQUIRED_COLUMNS)[number], number>();
  for (const column of REQUIRED_COLUMNS) {
    const position = found.indexOf(column);
    if (position < 0) throw new Failure(`${name}: the column ${column} is missing in the header`);
    if (found.lastIndexOf(column) !== position)
      throw new Failure(`${name}: the column ${column} stands twice`);
    positions.set(column, position);
  }
  return { columns: record.length, positions };
}

function pick(record: readonly string[], header: Header): RawRow {
  const row: Partial<Record<(typeof REQUIRED_COLUMNS)[number], string>> = {};
  for (const [column, position] of header.positions) row[column] = record[position] ?? "";
  return row;
}
