import type { ServedModel } from "../db/registry/models.ts";
import { GRADE_COLUMNS, NUMBER_COLUMNS } from "../domain/diamond.ts";
import { formatVersion } from "../domain/model-selector.ts";
import type { Background } from "../http/context.ts";
import { ageMs } from "../lib/clock.ts";
import { takeTurn } from "../lib/mutex.ts";
import { sha256 } from "../lib/sha256.ts";
import { SingleFlight, TimeoutError, withTimeout } from "../lib/single-flight.ts";
import { evictOldest } from "../lib/stale-cache.ts";
import type { Session } from "./onnx-runtime.ts";

/** A few versions are in use at a time: the champion, one before it, a challenger. Each takes a few MB. */
const MOST_SESSIONS = 4;
const MOST_FAILURES = 100;
/** How long one waits for a file to be loaded, and for one that did not come the last time. */
const LOAD_MS = { first: 15_000, again: 1_000 };
/** How long it is not tried again: a file that cannot be used, a bucket that failed, one that did not answer. */
const PAUSE_MS = { broken: 10_000, failed: 1_000, silent: 5_000 };

const INPUTS: ReadonlySet<string> = new Set([...NUMBER_COLUMNS, ...GRADE_COLUMNS]);
export const OUTPUT = "price";

/** A model's file is missing, is not the one that the registry names, or is not a model that prices stones. */
export class InvalidModelFileError extends Error {}

interface CachedSession {
  readonly session: Session;
  users: number;
}

/** Sessions by the file's SHA-256, least recently used first. */
const sessions = new Map<string, CachedSession>();
/** The last failure to load a file, and for how long it stands. */
const failures = new Map<string, { readonly error: unknown; readonly at: number; readonly ms: number }>();
const flights = new SingleFlight<void>();

/**
 * Uses the session of a model version, loading it where the isolate does not have it.
 * @throws BrokenModel, or what R2 threw.
 */
export async function withSession<T>(
  bucket: R2Bucket,
  background: Background,
  model: ServedModel,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  let held = sessions.get(model.sha256);
  while (held === undefined) {
    await load(bucket, background, model);
    held = sessions.get(model.sha256);
  }
  sessions.delete(model.sha256);
  sessions.set(model.sha256, held);
  held.users++;
  try {
    return await takeTurn(() => use(held.session));
  } finally {
    held.users--;
    if (sessions.size > MOST_SESSIONS) background.waitUntil(evict());
  }
}

async function load(bucket: R2Bucket, background: Background, model: ServedModel): Promise<void> {
  const failure = failures.get(model.sha256);
  if (failure !== undefined && ageMs(failure.at) < failure.ms) throw failure.error;
  const loading = flights.run(model.sha256, background, async () => {
    try {
      const session = await open(await fetchVerified(bucket, model), model);
      sessions.set(model.sha256, { session, users: 0 });
      failures.delete(model.sha256);
    } catch (error) {
      note(model, error, error instanceof InvalidModelFileError ? PAUSE_MS.broken : PAUSE_MS.failed);
      throw error;
    }
  });
  const again = failure?.error instanceof TimeoutError;
  return withTimeout(again ? LOAD_MS.again : LOAD_MS.first, loading).catch((error: unknown) => {
    if (error instanceof TimeoutError) note(model, error, PAUSE_MS.silent);
    throw error;
  });
}

function note({ sha256 }: ServedModel, error: unknown, ms: number): void {
  failures.delete(sha256);
  failures.set(sha256, { error, at: Date.now(), ms });
  evictOldest(failures, MOST_FAILURES);
}

async function fetchVerified(bucket: R2Bucket, model: ServedModel): Promise<Uint8Array> {
  // Once more: what fails in the bucket mostly passes.
  const bytes = await download(bucket, model.key).catch(() => download(bucket, model.key));
  if (bytes === null)
    throw new InvalidModelFileError(`${formatVersion(model)}: ${model.key} is not in the bucket`);
  const hash = await sha256(bytes);
  if (hash !== model.sha256)
    throw new InvalidModelFileError(
      `${formatVersion(model)}: ${model.key} has SHA-256 ${hash}, not ${model.sha256}`,
    );
  return bytes;
}

async function download(bucket: R2Bucket, key: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const object = await bucket.get(key);
  return object === null ? null : new Uint8Array(await object.arrayBuffer());
}

async function open(bytes: Uint8Array, model: ServedModel): Promise<Session> {
  // Imported when first needed: the module is large, and most of what the Worker answers needs no model.
  const { createSession } = await import("./onnx-runtime.ts");
  const session = await takeTurn(() => createSession(bytes)).catch((cause: unknown) => {
    throw new InvalidModelFileError(`${formatVersion(model)}: not an ONNX model that can be run`, { cause });
  });
  const unknown = session.inputNames.filter((name) => !INPUTS.has(name));
  if (unknown.length === 0 && session.outputNames.includes(OUTPUT)) return session;
  await takeTurn(() => session.release());
  throw new InvalidModelFileError(
    `${formatVersion(model)}: takes ${session.inputNames.join(", ")} and gives ${session.outputNames.join(", ")}`,
  );
}

/** Lets go of the sessions that were not used for longest and that nobody uses. */
async function evict(): Promise<void> {
  for (const [sha256, held] of sessions) {
    if (sessions.size <= MOST_SESSIONS) return;
    if (held.users > 0) continue;
    sessions.delete(sha256);
    await takeTurn(() => held.session.release());
  }
}
