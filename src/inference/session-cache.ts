import type { ServedModel } from "../db/registry/models.ts";
import { GRADE_COLUMNS, NUMBER_COLUMNS } from "../domain/diamond.ts";
import { formatVersion } from "../domain/models/model-reference.ts";
import type { Background } from "../lib/background.ts";
import { Mutex } from "../lib/mutex.ts";
import { sha256 } from "../lib/sha256.ts";
import { SingleFlight } from "../lib/single-flight.ts";
import { evictOldest } from "../lib/stale-cache.ts";
import { ageMs } from "../lib/time.ts";
import { TimeoutError, withTimeout } from "../lib/timeout.ts";
import type { Session } from "./onnx-runtime.ts";
import { LOAD_TIMEOUT_MS, RETRY_DELAY_MS, RUNTIME_WAIT_MS } from "./timeouts.ts";

/**
 * Enough for the versions in use at one time: champion, previous version, canary, challenger. Each takes a
 * few MB.
 */
const MAX_SESSIONS = 4;
const MAX_RECORDED_FAILURES = 100;

const INPUT_NAMES: ReadonlySet<string> = new Set([...NUMBER_COLUMNS, ...GRADE_COLUMNS]);
export const OUTPUT_NAME = "price";

/**
 * A model file is missing, has another SHA-256 than the registry says, or is not a model that prices stones.
 */
export class InvalidModelFileError extends Error {}

interface CachedSession {
  readonly session: Session;
  /** How many requests use it now. A session in use is not released. */
  users: number;
}

interface LoadFailure {
  readonly error: unknown;
  readonly failedAt: number;
  readonly retryDelayMs: number;
}

/**
 * Calls into onnxruntime-web must not overlap: each overlapping call leaks a piece of the runtime's stack,
 * and after some hundreds of them every run in the isolate fails.
 */
const runtimeMutex = new Mutex({ maxWaitMs: RUNTIME_WAIT_MS });

/** Sessions by the SHA-256 of their file, least recently used first. */
const sessions = new Map<string, CachedSession>();
/** The last failure of each file, by its SHA-256. */
const failures = new Map<string, LoadFailure>();
const loads = new SingleFlight<void>();

/**
 * Runs `use` with the session of a model version, which is loaded if it is not cached.
 * @throws InvalidModelFileError, TimeoutError, or the error of R2.
 */
export async function withSession<T>(
  bucket: R2Bucket,
  background: Background,
  model: ServedModel,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const cached = await getSession(bucket, background, model);
  sessions.delete(model.sha256);
  sessions.set(model.sha256, cached);
  cached.users++;
  try {
    return await runtimeMutex.run(() => use(cached.session));
  } finally {
    cached.users--;
    if (sessions.size > MAX_SESSIONS) background.waitUntil(evictSessions());
  }
}

async function getSession(
  bucket: R2Bucket,
  background: Background,
  model: ServedModel,
): Promise<CachedSession> {
  let cached = sessions.get(model.sha256);
  // A loop, because the session may have been evicted again before this request continues.
  while (cached === undefined) {
    await loadSession(bucket, background, model);
    cached = sessions.get(model.sha256);
  }
  return cached;
}

async function loadSession(bucket: R2Bucket, background: Background, model: ServedModel): Promise<void> {
  const failure = failures.get(model.sha256);
  if (failure !== undefined && ageMs(failure.failedAt) < failure.retryDelayMs) throw failure.error;
  const loading = loads.run(model.sha256, background, async () => {
    try {
      const session = await createModelSession(await fetchModelFile(bucket, model), model);
      sessions.set(model.sha256, { session, users: 0 });
      failures.delete(model.sha256);
    } catch (error) {
      const isInvalid = error instanceof InvalidModelFileError;
      recordFailure(model, error, isInvalid ? RETRY_DELAY_MS.invalidFile : RETRY_DELAY_MS.bucketError);
      throw error;
    }
  });
  const hasTimedOut = failure?.error instanceof TimeoutError;
  const timeoutMs = hasTimedOut ? LOAD_TIMEOUT_MS.afterTimeout : LOAD_TIMEOUT_MS.usual;
  return withTimeout(timeoutMs, loading).catch((error: unknown) => {
    if (error instanceof TimeoutError) recordFailure(model, error, RETRY_DELAY_MS.timeout);
    throw error;
  });
}

function recordFailure({ sha256 }: ServedModel, error: unknown, retryDelayMs: number): void {
  failures.delete(sha256);
  failures.set(sha256, { error, failedAt: Date.now(), retryDelayMs });
  evictOldest(failures, MAX_RECORDED_FAILURES);
}

async function fetchModelFile(bucket: R2Bucket, model: ServedModel): Promise<Uint8Array> {
  // One retry, because most errors of R2 are transient.
  const bytes = await download(bucket, model.key).catch(() => download(bucket, model.key));
  if (bytes === null)
    throw new InvalidModelFileError(`${formatVersion(model)}: ${model.key} is not in the bucket`);
  const hash = await sha256(bytes);
  if (hash !== model.sha256)
    throw new InvalidModelFileError(
      `${formatVersion(model)}: ${model.key} has SHA-256 ${hash}, expected ${model.sha256}`,
    );
  return bytes;
}

async function download(bucket: R2Bucket, key: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const object = await bucket.get(key);
  return object === null ? null : new Uint8Array(await object.arrayBuffer());
}

async function createModelSession(bytes: Uint8Array, model: ServedModel): Promise<Session> {
  // Imported on first use: the module is large, and most requests need no model.
  const { createSession } = await import("./onnx-runtime.ts");
  const session = await runtimeMutex
    .run(() => createSession(bytes))
    .catch((cause: unknown) => {
      throw new InvalidModelFileError(`${formatVersion(model)}: the file is not a valid ONNX model`, {
        cause,
      });
    });
  const unknownInputs = session.inputNames.filter((name) => !INPUT_NAMES.has(name));
  if (unknownInputs.length === 0 && session.outputNames.includes(OUTPUT_NAME)) return session;
  await runtimeMutex.run(() => session.release());
  throw new InvalidModelFileError(
    `${formatVersion(model)}: unexpected inputs or outputs: ${session.inputNames.join(", ")} -> ${session.outputNames.join(", ")}`,
  );
}

/** Releases the least recently used sessions that no request uses. */
async function evictSessions(): Promise<void> {
  for (const [sha256, cached] of sessions) {
    if (sessions.size <= MAX_SESSIONS) return;
    if (cached.users > 0) continue;
    sessions.delete(sha256);
    await runtimeMutex.run(() => cached.session.release());
  }
}
