import type { ServedModel } from "../db/registry/models.ts";
import { GRADE_COLUMNS, NUMBER_COLUMNS } from "../domain/diamond.ts";
import { describeExcessMemory, estimateMemory } from "../domain/models/model-memory.ts";
import { formatVersion } from "../domain/models/model-reference.ts";
import type { Background } from "../lib/background.ts";
import { Mutex, MutexBusyError } from "../lib/mutex.ts";
import { sha256 } from "../lib/sha256.ts";
import { SingleFlight } from "../lib/single-flight.ts";
import { evictOldest } from "../lib/stale-cache.ts";
import { ageMs } from "../lib/time.ts";
import { TimeoutError, withTimeout } from "../lib/timeout.ts";
import { forgetCall } from "./exclusive-call.ts";
import type { Session } from "./onnx-runtime.ts";
import {
  InvalidModelFileError,
  LoadRefusedError,
  ModelTooLargeError,
  OutOfMemoryError,
  OverlappingCallError,
} from "./runtime-errors.ts";
import { type Load, type SessionState, SessionStore, type Usage } from "./session-store.ts";
import {
  LOAD_LOST_AFTER_MS,
  LOAD_RETRY_AFTER_SECONDS,
  LOAD_TIMEOUT_MS,
  RETRY_DELAY_MS,
  RUNTIME_CALL_LOST_AFTER_MS,
  RUNTIME_WAIT_MS,
} from "./timeouts.ts";

const MAX_RECORDED_FAILURES = 100;
/** How often a session is loaded for one call: others may evict it before the call has its turn. */
const MAX_LOADS_PER_CALL = 3;

const INPUT_NAMES: ReadonlySet<string> = new Set([...NUMBER_COLUMNS, ...GRADE_COLUMNS]);
export const OUTPUT_NAME = "price";

interface LoadFailure {
  readonly error: unknown;
  readonly failedAt: number;
  readonly retryDelayMs: number;
}

/** Where a session comes from, and who asks for it. */
export interface SessionSource {
  readonly bucket: R2Bucket;
  readonly background: Background;
  readonly model: ServedModel;
  readonly usage: Usage;
}

/**
 * Calls into onnxruntime-web must not overlap, see exclusive-call.ts. Only calls are made under the mutex:
 * files are read and hashed before.
 */
const runtimeMutex = new Mutex({
  maxWaitMs: RUNTIME_WAIT_MS,
  lostAfterMs: RUNTIME_CALL_LOST_AFTER_MS,
  onLost: forgetCall,
});

const store = new SessionStore();
/** The last failure of each file, by its SHA-256. */
const failures = new Map<string, LoadFailure>();
const loads = new SingleFlight<void>({ abandonedAfterMs: LOAD_LOST_AFTER_MS });

const EVICTED = Symbol("evicted");

/** The sessions and loads of this isolate. */
export function getSessionState(): SessionState {
  return store.state;
}

/** Whether there was no room or no time for a call. It says nothing about the model. */
export function isBusyError(error: unknown): boolean {
  return (
    error instanceof LoadRefusedError || error instanceof MutexBusyError || error instanceof OutOfMemoryError
  );
}

/**
 * Runs `use` with the session of a model version, which is loaded if it is not cached.
 * @throws InvalidModelFileError, ModelTooLargeError, TimeoutError, the error of R2, or an error for which
 * `isBusyError` is true
 */
export async function withSession<T>(
  source: SessionSource,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const { model, usage } = source;
  const { sha256 } = model;
  for (let loadCount = 0; ; ) {
    const cached = store.get(sha256);
    if (cached === undefined) {
      if (loadCount++ === MAX_LOADS_PER_CALL)
        throw new LoadRefusedError("other models need the memory", LOAD_RETRY_AFTER_SECONDS);
      await loadSession(source);
      continue;
    }
    store.touch(sha256, cached, usage);
    try {
      // While a call waits, its session may be evicted and released.
      const result = await runtimeMutex.run<T | typeof EVICTED>(() =>
        store.get(sha256) === cached ? use(cached.session) : Promise.resolve(EVICTED),
      );
      if (result !== EVICTED) return result;
    } catch (error) {
      if (error instanceof OutOfMemoryError) {
        store.evictAll("name", sha256);
        source.background.waitUntil(runtimeMutex.run(releaseEvicted).catch(() => {}));
      }
      throw error;
    }
  }
}

async function loadSession({ bucket, background, model, usage }: SessionSource): Promise<void> {
  const excess = describeExcessMemory(formatVersion(model), model);
  if (excess !== null) throw new ModelTooLargeError(excess);
  const failure = failures.get(model.sha256);
  if (failure !== undefined && ageMs(failure.failedAt) < failure.retryDelayMs) throw failure.error;
  const loading = loads.run(model.sha256, background, () => createCachedSession(bucket, model, usage));
  const hasTimedOut = failure?.error instanceof TimeoutError;
  const timeoutMs = hasTimedOut ? LOAD_TIMEOUT_MS.afterTimeout : LOAD_TIMEOUT_MS.usual;
  return withTimeout(timeoutMs, loading).catch((error: unknown) => {
    if (error instanceof TimeoutError) recordFailure(model, error, RETRY_DELAY_MS.timeout);
    throw error;
  });
}

async function createCachedSession(bucket: R2Bucket, model: ServedModel, usage: Usage): Promise<void> {
  const load = store.startLoad(model.sha256, estimateMemory(model), usage);
  try {
    if (store.hasEvicted) await runtimeMutex.run(releaseEvicted);
    const bytes = await fetchModelFile(bucket, model);
    store.add(model.sha256, await createModelSession(bytes, model, load, usage), load);
    failures.delete(model.sha256);
  } catch (error) {
    if (!isBusyError(error)) {
      const isLasting = error instanceof InvalidModelFileError || error instanceof ModelTooLargeError;
      recordFailure(model, error, isLasting ? RETRY_DELAY_MS.invalidFile : RETRY_DELAY_MS.bucketError);
    }
    throw error;
  } finally {
    store.endLoad(model.sha256, load);
  }
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

async function createModelSession(
  bytes: Uint8Array,
  model: ServedModel,
  load: Load,
  usage: Usage,
): Promise<Session> {
  // Imported on first use: the module is large, and most requests need no model.
  const { createSession } = await import("./onnx-runtime.ts");
  const version = formatVersion(model);
  return runtimeMutex.run(async () => {
    await releaseEvicted();
    if (!store.isLoading(model.sha256, load))
      throw new LoadRefusedError("the load took too long", LOAD_RETRY_AFTER_SECONDS);
    const session = await createSession(bytes)
      .catch(async (error: unknown) => {
        // More memory was in use than the budget says, or in pieces that are too small.
        if (!(error instanceof OutOfMemoryError)) throw error;
        store.evictAll(usage);
        await releaseEvicted();
        return createSession(bytes);
      })
      .catch((cause: unknown) => {
        if (cause instanceof OverlappingCallError) throw cause;
        throw cause instanceof OutOfMemoryError
          ? new ModelTooLargeError(`${version} does not fit into the memory`, { cause })
          : new InvalidModelFileError(`${version}: the file is not a valid ONNX model`, { cause });
      });
    const unknownInputs = session.inputNames.filter((name) => !INPUT_NAMES.has(name));
    if (unknownInputs.length === 0 && session.outputNames.includes(OUTPUT_NAME)) return session;
    await session.release();
    throw new InvalidModelFileError(
      `${version}: unexpected inputs or outputs: ${session.inputNames.join(", ")} -> ${session.outputNames.join(", ")}`,
    );
  });
}

async function releaseEvicted(): Promise<void> {
  for (let session = store.takeEvicted(); session !== undefined; session = store.takeEvicted())
    await session.release();
}
