import { Worker } from "node:worker_threads";
import { UserError } from "../../cloudflare/user-error.ts";
import { describeExcessMemory, type ModelMemory } from "../../src/domain/models/model-memory.ts";

/** The result of the worker thread. */
export type MemoryMeasurement =
  | { readonly memory: ModelMemory }
  | { readonly memory: null; readonly problem: string };

/**
 * Measures how much memory a model takes in the ONNX runtime of the Worker. The runtime's memory never shrinks,
 * so a fresh runtime is started for it, in a thread of its own.
 * @throws Error if the runtime cannot load or run the model
 */
export async function measureMemory(bytes: Uint8Array): Promise<ModelMemory> {
  const worker = new Worker(new URL("./measure-memory-worker.ts", import.meta.url), { workerData: bytes });
  try {
    const measurement = await new Promise<MemoryMeasurement>((resolve, reject) => {
      worker.once("message", resolve);
      worker.once("error", reject);
      worker.once("exit", (code) => reject(new Error(`the measuring thread exited with code ${code}`)));
    });
    if (measurement.memory === null) throw new Error(measurement.problem);
    return measurement.memory;
  } finally {
    await worker.terminate();
  }
}

/**
 * Measures a model that shall be published or served.
 * @throws UserError with both numbers if it is too large, or if its memory cannot be measured
 */
export async function measureAllowedMemory(name: string, bytes: Uint8Array): Promise<ModelMemory> {
  const memory = await measureMemory(bytes).catch((cause: unknown) => {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new UserError(`the memory of ${name} cannot be measured: ${reason}`, { cause });
  });
  const excess = describeExcessMemory(name, { bytes: bytes.length, ...memory });
  if (excess !== null) throw new UserError(excess);
  return memory;
}
