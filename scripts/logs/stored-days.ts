/** Finds out which days the log has, and whether a day has changed since it was read. */
import { createHash } from "node:crypto";
import { SEARCH_INDEXES } from "../../src/db/request-log/schema.ts";
import { DAY_MS, toDay } from "../../src/lib/time.ts";
import { ARCHIVE_PREFIX, parseChunkDay } from "../../src/request-log/archive/chunk-contents.ts";
import type { ArchiveObject, StoredLog } from "./stored-log.ts";

/** Ids with the same first seven digits: those of 2^20 milliseconds, which is about 17 minutes. */
const PREFIX_DIGITS = 7;
const PREFIX_MS = 2 ** 20;

/**
 * Counts the rows of the table, and adds up the last 16 bits of their ids, which are random. Only an index is read. It
 * has every row.
 */
const COUNT_ROWS = `SELECT substr(id, 1, ${PREFIX_DIGITS}) AS prefix, count(*) AS count, sum(${[1, 2, 3, 4]
  .map((digit) => `instr('0123456789abcdef', substr(id, -${digit}, 1)) * ${16 ** (digit - 1)}`)
  .join(" + ")}) AS bits
FROM requests INDEXED BY ${SEARCH_INDEXES.answered.name} GROUP BY prefix ORDER BY prefix`;

/** A day of the log. */
export interface StoredDay {
  /** Changes if rows are added or deleted. */
  readonly fingerprint: string;
  /** Whether the table may have rows of the day. */
  readonly isInTable: boolean;
  /** Whether the archive has rows of the day. */
  readonly isArchived: boolean;
}

/** Reads which days the log has. Rows that are archived meanwhile are in the table, in the archive, or in both. */
export async function readStoredDays(log: StoredLog): Promise<Map<number, StoredDay>> {
  const parts = new Map<number, { table: string[]; archive: string[] }>();
  const getParts = (day: number) => {
    const found = parts.get(day) ?? { table: [], archive: [] };
    parts.set(day, found);
    return found;
  };
  for (const row of await log.query(COUNT_ROWS)) {
    const from = Number.parseInt(String(row.prefix), 16) * PREFIX_MS;
    if (Number.isNaN(from)) continue;
    // Two days can share a prefix. If its rows change, both days are read again.
    for (const day of new Set([toDay(from), toDay(from + PREFIX_MS - 1)]))
      getParts(day).table.push(`${row.prefix} ${row.count} ${row.bits}`);
  }
  for (const object of await log.listArchive(ARCHIVE_PREFIX)) {
    const day = parseChunkDay(object.key);
    if (day !== null) getParts(day).archive.push(describeObject(object));
  }
  return new Map(
    [...parts].map(([day, { table, archive }]) => [
      day,
      {
        fingerprint: createHash("sha256")
          .update([...table, "", ...archive.toSorted()].join("\n"))
          .digest("hex")
          .slice(0, 16),
        isInTable: table.length > 0,
        isArchived: archive.length > 0,
      },
    ]),
  );
}

const describeObject = ({ key, etag }: ArchiveObject): string => `${key} ${etag}`;

/** Rows of a day that the log counts late: repeated requests, and those that waited for the database. */
const SETTLED_AFTER_MS = 60 * 60_000;

/** Whether rows of a day can still change without a change of its fingerprint. */
export function isOpen(day: number, now: number): boolean {
  return now < (day + 1) * DAY_MS + SETTLED_AFTER_MS;
}
