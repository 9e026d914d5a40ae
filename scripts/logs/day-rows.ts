/** Writes the rows of a day as NDJSON. */
import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { promisify } from "node:util";
import { gunzip } from "node:zlib";
import { toSqlLiteral } from "../../cloudflare/d1-sql.ts";
import { UserError } from "../../cloudflare/user-error.ts";
import { toPageSql } from "../../src/db/request-log/page-sql.ts";
import { firstIdAt } from "../../src/domain/request-id.ts";
import { DAY_MS } from "../../src/lib/time.ts";
import { toDayPrefix } from "../../src/request-log/archive/chunk-contents.ts";
import { formatDay } from "./days.ts";
import type { ArchiveObject, StoredLog } from "./stored-log.ts";

/** A page of the table is in memory, as is one object of the archive. */
const PAGE_SIZE = { rows: 5_000, octets: 8_000_000 } as const;
const MAX_ATTEMPTS = 3;

const unzip = promisify(gunzip);

/** The part of a row that decides how it is written. */
interface Row {
  readonly id: string;
  readonly bodies: string | null;
}

/** Writes the rows of a day that the table has. Returns how many. */
export async function writeTableRows(log: StoredLog, day: number, path: string): Promise<number> {
  const before = firstIdAt((day + 1) * DAY_MS);
  let after = firstIdAt(day * DAY_MS);
  let rows = 0;
  return withNewFile(path, async (file) => {
    for (;;) {
      const sql = toPageSql({
        after: toSqlLiteral(after),
        before: toSqlLiteral(before),
        rows: String(PAGE_SIZE.rows),
        octets: String(PAGE_SIZE.octets),
      });
      const page = (await log.query(sql)) as unknown as (Row & { octets?: number })[];
      const last = page.at(-1);
      if (last === undefined) return rows;
      await writeRows(
        log,
        page.map(({ octets, ...row }) => row),
        file,
      );
      rows += page.length;
      after = last.id;
    }
  });
}

/** What the archive had of a day. */
export interface ArchivedRows {
  readonly rows: number;
  /** Whether two objects may have the same row. */
  readonly mayOverlap: boolean;
}

/**
 * Writes the rows of a day that the archive has. Call it after the table was read: a row that is archived meanwhile
 * is then in the table or in the archive, or in both.
 * @throws UserError if an object is damaged
 */
export async function writeArchivedRows(log: StoredLog, day: number, path: string): Promise<ArchivedRows> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await withNewFile(path, (file) => writeObjects(log, day, file));
    } catch (error) {
      // An erasure writes objects again, or deletes them, after they were listed.
      if (!(error instanceof ChangedObjectError)) throw error;
      if (attempt === MAX_ATTEMPTS)
        throw new UserError(
          `${error.message}; --since and --until can leave out ${formatDay(day)}, and docs/faults.md says more`,
        );
    }
  }
}

class ChangedObjectError extends Error {}

async function writeObjects(log: StoredLog, day: number, file: FileHandle): Promise<ArchivedRows> {
  const objects = await log.listArchive(toDayPrefix(day));
  let rows = 0;
  for (const object of objects) {
    const text = await readObject(log, object);
    const plain = !text.includes('"bodies":"') && !/\\u[dD][89a-fA-F]/.test(text);
    await (plain ? file.appendFile(text) : writeRows(log, parseLines(text), file));
    rows += countLines(text);
  }
  const ranges = objects.map(({ contents }) => contents).toSorted((a, b) => (a.first < b.first ? -1 : 1));
  const mayOverlap = ranges.some(({ first }, i) => i > 0 && first <= (ranges[i - 1]?.last ?? ""));
  return { rows, mayOverlap };
}

async function readObject(log: StoredLog, { key, contents }: ArchiveObject): Promise<string> {
  const bytes = await log.getObject(key);
  if (bytes === null) throw new ChangedObjectError(`the archive object ${key} is gone`);
  const unzipped = await unzip(bytes).catch(() => null);
  const isWhole =
    unzipped !== null && createHash("sha256").update(unzipped).digest("hex") === contents.sha256;
  if (!isWhole) throw new ChangedObjectError(`the archive object ${key} is damaged`);
  return unzipped.toString();
}

function* parseLines(text: string): Generator<Row> {
  for (const line of text.split("\n")) if (line !== "") yield JSON.parse(line);
}

function countLines(text: string): number {
  let count = 0;
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) count++;
  return count;
}

/** Writes rows with their large bodies, of which only some are in memory at a time: each can have megabytes. */
async function writeRows(log: StoredLog, rows: Iterable<Row>, file: FileHandle): Promise<void> {
  let lines = "";
  for (const row of rows) {
    lines += `${toLine(await withFullBodies(log, row))}\n`;
    if (lines.length < PAGE_SIZE.octets) continue;
    await file.appendFile(lines);
    lines = "";
  }
  if (lines !== "") await file.appendFile(lines);
}

/** Replaces the excerpts of large bodies by the bodies in the bucket. If they were deleted, the excerpts stay. */
async function withFullBodies<Stored extends Row>(log: StoredLog, row: Stored): Promise<Stored> {
  const bytes = row.bodies ? await log.getObject(row.bodies) : null;
  if (bytes === null) return row;
  const { requestBody, responseBody } = JSON.parse(Buffer.from(bytes).toString());
  return { ...row, requestBody, responseBody };
}

/** DuckDB refuses half of a surrogate pair. */
function toLine(row: object): string {
  return JSON.stringify(row, (_, value) => (typeof value === "string" ? value.toWellFormed() : value));
}

/** Creates a file, or empties it. */
async function withNewFile<Result>(
  path: string,
  use: (file: FileHandle) => Promise<Result>,
): Promise<Result> {
  const file = await open(path, "w", 0o600);
  try {
    return await use(file);
  } finally {
    await file.close();
  }
}
