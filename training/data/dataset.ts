import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { type Info, parse } from "csv-parse";
import { UserError } from "../../cloudflare/user-error.ts";
import type { DatasetSource } from "../../src/db/registry/schema.ts";
import type { PricedStone } from "../../src/domain/diamond.ts";
import { SPLIT_PRIME } from "../../src/domain/split.ts";
import { measurementsText, rowText, STONE_ID_DIGITS } from "../../src/domain/stone-id.ts";
import { cleanRow, type RawRow, REQUIRED_COLUMNS, type Rejection } from "./clean.ts";
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

/** What one source brought. */
export interface SourceRows {
  readonly stones: readonly DatasetStone[];
  readonly source: DatasetSource;
  /** Its first rejected rows. */
  readonly examples: readonly string[];
}

const EXAMPLES = 5;
const MAXIMUM_RECORD_BYTES = 65_536;

/**
 * Reads, cleans and identifies the rows of some sources.
 * @throws Failure naming the source and the column where one cannot be read, and where less than half of
 *   all rows is fit for training.
 */
export async function readSources(sources: readonly Source[]): Promise<SourceRows[]> {
  const read: SourceRows[] = [];
  for (const source of sources) read.push(await readSource(source));
  const { rejected } = rejections(read);
  const fit = read.reduce((sum, rows) => sum + rows.stones.length, 0);
  const lost = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  if (sources.length > 0 && (fit < lost || fit === 0)) {
    const reasons = Object.entries(rejected).map(([reason, count]) => `${reason}: ${count}`);
    const names = read.map((rows) => rows.source.name).join(", ");
    throw new UserError(
      `${names}: only ${fit} of ${fit + lost} rows are fit for training (${reasons.join(", ") || "no rows"})`,
    );
  }
  return read;
}

/** {@link readSources} as a dataset of its own. */
export async function readDataset(sources: readonly Source[]): Promise<Dataset> {
  return mergeStones([], await readSources(sources), new Set()).dataset;
}

/**
 * A dataset from the stones that are known and those that sources bring, without those that were withdrawn.
 * A stone that two of them have is in it once. Its stones lie in the order of their ids, so that the same
 * stones make the same models wherever they came from.
 */
export function mergeStones(
  known: readonly DatasetStone[],
  read: readonly SourceRows[],
  withdrawn: ReadonlySet<string>,
): { dataset: Dataset; fresh: DatasetStone[] } {
  const stones = new Map<string, DatasetStone>();
  for (const stone of known) if (!withdrawn.has(stone.id)) stones.set(stone.id, stone);
  const fresh: DatasetStone[] = [];
  const sources: DatasetSource[] = [];
  for (const rows of read) {
    const taken = rows.stones.filter(({ id }) => !stones.has(id) && !withdrawn.has(id));
    for (const stone of taken) stones.set(stone.id, stone);
    fresh.push(...taken);
    // A source that brings nothing new is none: a folder that is read again and again would fill the list.
    if (taken.length > 0) sources.push({ ...rows.source, rows: taken.length });
  }
  const all = [...stones.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
  return { dataset: { id: datasetId(all), stones: all, sources, ...rejections(read) }, fresh };
}

function rejections(read: readonly SourceRows[]): Pick<Dataset, "rejected" | "examples"> {
  const rejected: Partial<Record<Rejection, number>> = {};
  for (const { source } of read) {
    for (const [reason, count] of Object.entries(source.rejected) as [Rejection, number][]) {
      rejected[reason] = (rejected[reason] ?? 0) + count;
    }
  }
  return { rejected, examples: read.flatMap(({ examples }) => examples).slice(0, EXAMPLES) };
}

/** Gives the stones of one source their ids; exact copies of a row are numbered. */
export function assignIds(stones: readonly PricedStone[]): DatasetStone[] {
  const copies = new Map<string, number>();
  return stones.map((stone) => {
    const first = rowText(stone);
    const copy = copies.get(first) ?? 0;
    copies.set(first, copy + 1);
    const hash = createHash("sha256").update(rowText(stone, copy)).digest("hex");
    return withId(stone, hash.slice(0, STONE_ID_DIGITS));
  });
}

/** A stone whose id is known. */
export function withId(stone: PricedStone, id: string): DatasetStone {
  const hash = createHash("sha256").update(measurementsText(stone)).digest();
  return { ...stone, id, splitKey: hash.readUIntBE(0, 6) % SPLIT_PRIME };
}

/** A dataset's id from its stones, in the order of their ids. */
function datasetId(stones: readonly DatasetStone[]): string {
  const hash = createHash("sha256");
  for (const { id } of stones) hash.update(id);
  return hash.digest("hex");
}

async function readSource(source: Source): Promise<SourceRows> {
  const stones: PricedStone[] = [];
  const rejected: Record<string, number> = {};
  const examples: string[] = [];
  const readAt = new Date().toISOString();
  const reject = (reason: Rejection, line: number, column: string) => {
    rejected[reason] = (rejected[reason] ?? 0) + 1;
    if (examples.length < EXAMPLES) examples.push(`${source.name}, line ${line}: ${reason} (${column})`);
  };
  let header: Header | undefined;
  for await (const { record, info } of parseCsv(source)) {
    if (header === undefined) {
      header = readHeader(source.name, record);
    } else if (record.length !== header.columns) {
      reject("wrong number of columns", info.lines, `${record.length} of ${header.columns}`);
    } else {
      const cleaned = cleanRow(pick(record, header));
      if ("stone" in cleaned) stones.push(cleaned.stone);
      else reject(cleaned.reason, info.lines, cleaned.column);
    }
  }
  if (header === undefined) throw new UserError(`${source.name}: the file is empty`);
  return {
    stones: assignIds(stones),
    source: { name: source.name, rows: stones.length, rejected, readAt },
    examples,
  };
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
    if (cause instanceof UserError) throw cause;
    throw new UserError(`${source.name}: ${cause instanceof Error ? cause.message : "cannot be read"}`, {
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
    if (position < 0) throw new UserError(`${name}: the column ${column} is missing in the header`);
    if (found.lastIndexOf(column) !== position)
      throw new UserError(`${name}: the column ${column} stands twice`);
    positions.set(column, position);
  }
  return { columns: record.length, positions };
}

function pick(record: readonly string[], header: Header): RawRow {
  const row: Partial<Record<(typeof REQUIRED_COLUMNS)[number], string>> = {};
  for (const [column, position] of header.positions) row[column] = record[position] ?? "";
  return row;
}
