/**
 * onnxruntime-web inside workerd. workerd forbids compiling WebAssembly from bytes, so the runtime's module
 * is compiled at deployment. The runtime receives marker bytes instead of its binary, and a patched
 * `WebAssembly.instantiate` recognizes the marker and instantiates the compiled module.
 */
import module from "onnxruntime-web/ort-wasm-simd-threaded.wasm";
import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";

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

function isMarker(source: unknown): boolean {
  if (!ArrayBuffer.isView(source) || source.byteLength !== MARKER.byteLength) return false;
  const bytes = new Uint8Array(source.buffer, source.byteOffset, source.byteLength);
  return bytes.every((byte, i) => byte === MARKER[i]);
}

export type Column = Float32Array | readonly string[];

/**
 * A loaded model. Calls must not overlap with calls of any other session in the isolate, so session-cache.ts
 * makes them under its mutex.
 */
export interface Session {
  readonly inputNames: readonly string[];
  readonly outputNames: readonly string[];
  /**
   * Runs the model. There is a column of shape [N] for each input, and columns that are no inputs are ignored.
   * The result is the named output, float32 of shape [N].
   */
  run(columns: Readonly<Record<string, Column>>, output: string): Promise<Float32Array>;
  release(): Promise<void>;
}

export async function createSession(onnx: Uint8Array): Promise<Session> {
  // The files have no node that could be left out. Looking for one takes longer than it saves.
  const session = await InferenceSession.create(onnx, { graphOptimizationLevel: "disabled" });
  // Most runs are for one stone, and runs never overlap: so the tensors of one stone are made once.
  const singleTensors: Record<string, Tensor> = {};
  return {
    inputNames: session.inputNames,
    outputNames: session.outputNames,
    async run(columns, output) {
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
    },
    release: () => session.release(),
  };
}

function toTensor(values: Column): Tensor {
  return values instanceof Float32Array
    ? new Tensor("float32", values, [values.length])
    : new Tensor("string", values, [values.length]);
}
