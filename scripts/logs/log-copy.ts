/** The copy of the log on this machine: a Parquet file for each day, which later commands need not read again. */
import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { chmod, mkdir, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import type { DuckDBConnection } from "@duckdb/node-api";
import pLimit from "p-limit";
import { toSqlLiteral } from "../../cloudflare/d1-sql.ts";
import { UserError } from "../../cloudflare/user-error.ts";
import { REPOSITORY_ROOT, type Target } from "../../cloudflare/wrangler.ts";
import { getIdDay } from "../../src/domain/request-id.ts";
import { STORED_COLUMNS } from "./columns.ts";
import { removeRequests, writeDay } from "./day-file.ts";
import { type DayRange, parseFolderName, toFolderName } from "./days.ts";
import { isOpen, readStoredDays, type StoredDay } from "./stored-days.ts";
import type { StoredLog } from "./stored-log.ts";

const COPIES_FOLDER = join(REPOSITORY_ROOT, "node_modules/.cache/facet-log");
const LOCK_TIMEOUT_MS = 60_000;
const LOCK_POLL_INTERVAL_MS = 100;
/** Days that are read at the same time. */
const CONCURRENT_DAYS = 3;
const ERASED_IDS_PER_PAGE = 20_000;

/** A file of the copy. */
export interface DayFile {
  readonly day: number;
  readonly path: string;
}

export interface CopyFolders {
  /** Has a folder for each day. */
  readonly days: string;
  /** Is deleted at the end. */
  readonly temporary: string;
}

/** Takes the number of days that are read, of those that must be read. */
export type ReportProgress = (done: number, total: number) => void;

/** The folder of a target's copy. */
export function getCopyFolder(target: Target, environment: NodeJS.ProcessEnv = process.env): string {
  const { CLOUDFLARE_API_BASE_URL = "", CLOUDFLARE_ACCOUNT_ID = "" } = environment;
  const place =
    target.kind === "remote" ? `${CLOUDFLARE_API_BASE_URL} ${CLOUDFLARE_ACCOUNT_ID}` : target.state;
  return join(COPIES_FOLDER, `${target.kind}-${hash(place).slice(0, 16)}`);
}

const hash = (text: string): string => createHash("sha256").update(text).digest("hex");

/** The copy of another version of the columns is deleted. */
const COLUMNS_VERSION = hash(JSON.stringify(STORED_COLUMNS)).slice(0, 12);

/**
 * Lets one command at a time use the copy. The lock ends with the process, however it ends.
 * @throws UserError if another command does not end
 */
export async function withCopy<Result>(
  target: Target,
  use: (folders: CopyFolders) => Promise<Result>,
): Promise<Result> {
  const folder = getCopyFolder(target);
  await mkdir(folder, { recursive: true });
  // The log is for its operators, and so is its copy.
  await chmod(folder, 0o700);
  const lock = new DatabaseSync(join(folder, "lock"));
  try {
    await takeLock(lock);
    const [days, temporary] = [join(folder, COLUMNS_VERSION), join(folder, "temporary")];
    for (const name of await readdir(folder))
      if (name !== "lock" && name !== COLUMNS_VERSION) await rm(join(folder, name), { recursive: true });
    await Promise.all([days, temporary].map((path) => mkdir(path, { recursive: true })));
    try {
      return await use({ days, temporary });
    } finally {
      await rm(temporary, { recursive: true, force: true });
    }
  } finally {
    lock.close();
  }
}

/** The lock is a transaction of SQLite. */
async function takeLock(lock: DatabaseSync): Promise<void> {
  for (const until = Date.now() + LOCK_TIMEOUT_MS; ; ) {
    try {
      lock.exec("BEGIN EXCLUSIVE");
      return;
    } catch (cause) {
      if (Date.now() > until)
        throw new UserError('another "npm run logs" reads this log; try again when it has ended', { cause });
    }
    await sleep(LOCK_POLL_INTERVAL_MS);
  }
}

/** Deletes the copy of a target. Returns whether there was one. */
export async function deleteCopy(target: Target): Promise<boolean> {
  const folder = getCopyFolder(target);
  if (!existsSync(folder)) return false;
  await withCopy(target, ({ days }) => rm(days, { recursive: true }));
  await rm(folder, { recursive: true });
  return true;
}

/**
 * Makes the copy equal to the log, and returns the files of some days. Only days that have changed are read. Files of
 * other days are deleted if they have changed, and no file has an erased request.
 */
export async function updateCopy(
  {
    connection,
    log,
    folders,
  }: {
    readonly connection: DuckDBConnection;
    readonly log: StoredLog;
    readonly folders: CopyFolders;
  },
  range: DayRange,
  reportProgress: ReportProgress,
): Promise<DayFile[]> {
  const now = Date.now();
  const stored = await readStoredDays(log);
  await deleteOutdatedFiles(folders.days, stored, now);
  const wanted = [...stored].filter(([day]) => day >= range.from && day < range.before);
  const files = wanted.map(([day, storedDay]) => ({
    day,
    storedDay,
    path: join(folders.days, toFolderName(day), toFileName(day, storedDay, now)),
  }));
  const missing = files.filter(({ path }) => !existsSync(path));
  const limit = pLimit(CONCURRENT_DAYS);
  let done = 0;
  const write = async ({ day, storedDay, path }: (typeof files)[number]) => {
    await mkdir(join(folders.days, toFolderName(day)), { recursive: true });
    await writeDay(connection, log, { day, stored: storedDay, folder: folders.temporary, path });
    reportProgress(++done, missing.length);
  };
  if (missing.length > 0) reportProgress(0, missing.length);
  await limit.map(missing, write);
  await removeErasedRequests(connection, log, folders);
  return files.map(({ day, path }) => ({ day, path })).toSorted((a, b) => a.day - b.day);
}

/** The file of a day that can still change has another name, so that it is always read again. */
function toFileName(day: number, { fingerprint }: StoredDay, now: number): string {
  return `${fingerprint}${isOpen(day, now) ? `-${now}` : ""}.parquet`;
}

async function deleteOutdatedFiles(
  folder: string,
  stored: ReadonlyMap<number, StoredDay>,
  now: number,
): Promise<void> {
  for (const { day, path, name } of await listFiles(folder)) {
    const storedDay = stored.get(day);
    if (storedDay === undefined || name !== toFileName(day, storedDay, now)) await rm(path);
  }
}

/** An erasure deletes rows and writes the archive again, which changes the fingerprint; but it can take a while. */
async function removeErasedRequests(
  connection: DuckDBConnection,
  log: StoredLog,
  folders: CopyFolders,
): Promise<void> {
  const days = Map.groupBy(await listErasedIds(log), getIdDay);
  for (const { day, path } of await listFiles(folders.days)) {
    const ids = days.get(day);
    if (ids !== undefined) await removeRequests(connection, { path, ids, folder: folders.temporary });
  }
}

async function listErasedIds(log: StoredLog): Promise<string[]> {
  const ids: string[] = [];
  for (let after = ""; ; after = ids.at(-1) ?? "") {
    const page = await log.query(
      `SELECT id FROM (SELECT id FROM forgotten UNION SELECT id FROM erasures) WHERE id > ${toSqlLiteral(after)} ORDER BY id LIMIT ${ERASED_IDS_PER_PAGE}`,
    );
    ids.push(...page.map(({ id }) => String(id)));
    if (page.length < ERASED_IDS_PER_PAGE) return ids;
  }
}

async function listFiles(folder: string): Promise<(DayFile & { readonly name: string })[]> {
  const files = [];
  for (const folderName of await readdir(folder)) {
    const day = parseFolderName(folderName);
    if (day === null) continue;
    for (const name of await readdir(join(folder, folderName)))
      files.push({ day, name, path: join(folder, folderName, name) });
  }
  return files;
}
