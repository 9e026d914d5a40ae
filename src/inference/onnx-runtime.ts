/**
 * onnxruntime-web inside workerd. workerd forbids compiling WebAssembly from bytes, so the runtime's module
 * is compiled at deployment. The runtime receives marker bytes instead of its binary, and a patched
 * `WebAssembly.instantiate` recognizes the marker and instantiates the compiled module.
 */
import module from "onnxruntime-web/ort-wasm-simd-threaded.wasm";
import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";
import { SESSION_OPTIONS } from "../domain/models/model-memory.ts";
import { endCall, startCall } from "./exclusive-call.ts";
import { MAX_RUNTIME_MEMORY_BYTES } from "./memory-budget.ts";
import { OutOfMemoryError } from "./runtime-errors.ts";

const MARKER = new TextEncoder().encode("facet: ort-wasm-simd-threaded.wasm");

// With one thread and a given binary, the runtime uses its bundled JavaScript and does not fetch a script.
env.wasm.numThreads = 1;
env.wasm.wasmBinary = MARKER;
env.logLevel = "error";

const originalInstantiate: unknown = WebAssembly.instantiate;
Object.defineProperty(WebAssembly, "instantiate", {
  configurable: true,
  writable: true,
  value: async (source: unknown, imports?: Record<string, Record<string, WebAssembly.ImportValue>>) => {
    if (!isMarker(source))
      return (originalInstantiate as typeof WebAssembly.instantiate)(source as never, imports);
    return { module, instance: await WebAssembly.instantiate(module, imports) };
  },
});

/**
 * The memory of the runtime, with a maximum. It never shrinks, and without a maximum the platform would end the
 * isolate, which no code can catch. With it, the runtime reports that it is out of memory, and goes on.
 */
let memory: WebAssembly.Memory | undefined;
const WASM_PAGE_BYTES = 65_536;
/** The maximum that the runtime asks for: 4 GiB. The memory of nothing else has it. */
const REQUESTED_PAGES = 65_536;

const OriginalMemory = WebAssembly.Memory;
Object.defineProperty(WebAssembly, "Memory", {
  configurable: true,
  writable: true,
  value: class extends OriginalMemory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      const isRuntime = descriptor.maximum === REQUESTED_PAGES;
      super(isRuntime ? { ...descriptor, maximum: MAX_RUNTIME_MEMORY_BYTES / WASM_PAGE_BYTES } : descriptor);
      if (isRuntime) memory = this;
    }
  },
});

/** The present size of the runtime's memory in bytes; 0 before its start. */
export function getRuntimeMemoryBytes(): number {
  return memory?.buffer.byteLength ?? 0;
}

function isMarker(source: unknown): boolean {
  if (!ArrayBuffer.isView(source) || source.byteLength !== MARKER.byteLength) return false;
  const bytes = new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  return bytes.every((byte, i) => byte === MARKER[i]);
}

export type Column = Float32Array | readonly string[];

/**
 * A loaded model. A call during another call of any session in the isolate throws an OverlappingCallError, so
 * session-cache.ts makes them under its mutex.
 */
export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /**
   * Runs the model. There is a column of shape [N] for each input, and columns that are no inputs are ignored.
   * The result is the named output, float32 of shape [N].
   * @throws OutOfMemoryError
   */
  run(columns: Readonly<Record<string, Column>>, output: string): Promise<Float32Array>;
  release(): Promise<void>;
}

/** @throws OutOfMemoryError, or the runtime's error if the file is not a model */
export async function createSession(onnx: Uint8Array): Promise<Session> {
  const call = startCall();
  try {
    return wrapSession(await InferenceSession.create(onnx, SESSION_OPTIONS));
  } catch (error) {
    throw toRuntimeError(error);
  } finally {
    endCall(call);
  }
}

function wrapSession(session: InferenceSession): Session {
  // Most runs are for one stone, and runs never overlap: so the tensors of one stone are made once.
  const singleTensors: Record<string, Tensor> = {};
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    async run(columns, output) {
      const call = startCall();
      try {
        const tensors: Record<string, Tensor> = {};
        for (const name of session.inputNames) {
          const column = columns[name]!;
          if (column.length !== 1) tensors[name] = toTensor(column);
          else {
            singleTensors[name] ??= toTensor(column.slice());
            singleTensors[name].data[0] = column[0]!;
            tensors[name] = singleTensors[name];
          }
        }
        const tensor = (await session.run(tensors, [output]))[output];
        if (!(tensor?.data instanceof Float32Array)) throw new TypeError(`${output} is not a float tensor`);
        // A copy, because the runtime reuses the memory of the tensor.
        return tensor.data.slice();
      } catch (error) {
        throw toRuntimeError(error);
      } finally {
        endCall(call);
      }
    },
    async release() {
      const call = startCall();
      try {
        await session.release();
      } finally {
        endCall(call);
      }
    },
  };
}

function toRuntimeError(error: unknown): unknown {
  const isOutOfMemory =
    error instanceof Error && /bad_alloc|out of memory|failed to allocate/i.test(error.message);
  return isOutOfMemory ? new OutOfMemoryError("the runtime is out of memory", { cause: error }) : error;
}

function toTensor(values: Column): Tensor {
  return values instanceof Float32Array
    ? new Tensor("float32", values, [values.length])
    : new Tensor("string", values, [values.length]);
}
