import { Worker } from "node:worker_threads";
import { UserError } from "../../cloudflare/user-error.ts";
import {
  describeExcessMemory,
  formatMegabytes,
  MAX_MODEL_MEMORY_BYTES,
  type ModelMemory,
} from "../../src/domain/models/model-memory.ts";

/** The result of the worker thread. */
export type MemoryMeasurement =
  | { readonly memory: ModelMemory }
  | { readonly memory: null; readonly isOutOfMemory: boolean; readonly problem: string };

/** The runtime gets no more than this. It is far above what may be served, so that the figure is known mostly. */
export const MAX_MEASURED_BYTES = 1_073_741_824;
/** The largest models that may be served take a few seconds, on a busy machine too. */
const MEASUREMENT_TIMEOUT_MS = 60_000;

/** A model that takes too much memory or time to be served. */
export class TooLargeError extends UserError {}

/** The reason why a measurement was given up: the model takes more than its limits. */
class LimitError extends Error {}

/**
 * Measures how much memory a model takes in the ONNX runtime of the Worker. The runtime's memory never shrinks,
 * so a fresh runtime is started for it, in a thread of its own. The thread ends after a time limit: a model can
 * have a loop without an end.
 * @throws Error if the runtime cannot load or run the model
 */
export async function measureMemory(
  bytes: Uint8Array,
  timeoutMs = MEASUREMENT_TIMEOUT_MS,
): Promise<ModelMemory> {
  const worker = new Worker(new URL("./measure-memory-worker.ts", import.meta.url), { workerData: bytes });
  let timer: NodeJS.Timeout | undefined;
  try {
    const measurement = await new Promise<MemoryMeasurement>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new Error(`the measuring thread exited with code ${code}`)));
      timer = setTimeout(
        () =>
          reject(
            new LimitError(`it needs more than ${timeoutMs / 1000} s to be loaded and to price 1,000 stones`),
          ),
        timeoutMs,
      );
    });
    if (measurement.memory !== null) return measurement.memory;
    if (!measurement.isOutOfMemory) throw new Error(measurement.problem);
    throw new LimitError(
      `it needs more than ${formatMegabytes(MAX_MEASURED_BYTES)} of memory, and at most ` +
        `${formatMegabytes(MAX_MODEL_MEMORY_BYTES)} are allowed`,
    );
  } finally {
    clearTimeout(timer);
    await worker.terminate();
  }
}

/**
 * Measures a model that shall be published or served.
 * @param timeoutMs how long the measurement may take
 * @throws TooLargeError with both numbers if it is too large
 * @throws UserError if its memory cannot be measured
 */
export async function measureAllowedMemory(
  name: string,
  bytes: Uint8Array,
  timeoutMs?: number,
): Promise<ModelMemory> {
  const memory = await measureMemory(bytes, timeoutMs).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    if (cause instanceof LimitError)
      throw new TooLargeError(`${name} is too large to serve: ${reason}`, { cause });
    throw new UserError(`the memory of ${name} cannot be measured: ${reason}`, { cause });
  });
  const excess = describeExcessMemory(name, { bytes: bytes.length, ...memory });
  if (excess !== null) throw new TooLargeError(excess);
  return memory;
}
