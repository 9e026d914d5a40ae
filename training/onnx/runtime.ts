import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";
import pLimit from "p-limit";
import { describeRuntimeError } from "./runtime-error.ts";

env.wasm.numThreads = 1;
env.logLevel = "error";

/** Allows one call into the runtime at a time. In workerd, overlapping calls damage its stack permanently. */
const runtimeLock = pLimit(1);

/** An input or output as the model declares it. */
export interface ModelPort {
  readonly name: string;
  readonly type: string;
  /** One entry per dimension: a number if the size is fixed. Undefined if the model does not declare a shape. */
  readonly shape: readonly (number | string)[] | undefined;
}

/** A column of N numbers or N strings for each input of a model. */
export type ModelInputs = Readonly<Record<string, Float32Array | readonly string[]>>;

export interface OutputTensor {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

export interface LoadedModel {
  readonly inputs: readonly ModelPort[];
  readonly outputs: readonly ModelPort[];
  /** @throws Error if an input is missing or has the wrong type, or if an output is not float */
  run(inputs: ModelInputs): Promise<Record<string, OutputTensor>>;
  release(): Promise<void>;
}

/**
 * Loads an ONNX model into the WebAssembly runtime.
 * @throws Error with the runtime's message if it cannot load the model
 */
export async function loadModel(bytes: Uint8Array): Promise<LoadedModel> {
  const session = await callRuntime(() => InferenceSession.create(bytes, { logSeverityLevel: 3 }));
  return {
    inputs: session.inputMetadata.map(toModelPort),
    outputs: session.outputMetadata.map(toModelPort),
    run: (inputs) => callRuntime(() => runSession(session, inputs)),
    release: () => callRuntime(() => session.release()),
  };
}

/** @throws Error without positions in the runtime's source code */
async function callRuntime<T>(call: () => Promise<T>): Promise<T> {
  try {
    return await runtimeLock(call);
  } catch (cause) {
    throw new Error(describeRuntimeError(cause), { cause });
  }
}

async function runSession(
  session: InferenceSession,
  inputs: ModelInputs,
): Promise<Record<string, OutputTensor>> {
  const tensors = Object.entries(inputs).map(([name, values]) => [name, toTensor(values)] as const);
  const results = await session.run(Object.fromEntries(tensors));
  return Object.fromEntries(
    Object.entries(results).map(([name, { data, dims, type }]) => {
      if (!(data instanceof Float32Array)) throw new Error(`output ${name} must be float, but is ${type}`);
      return [name, { data, dims }];
    }),
  );
}

function toTensor(values: Float32Array | readonly string[]): Tensor {
  return values instanceof Float32Array
    ? new Tensor("float32", values, [values.length])
    : new Tensor("string", [...values], [values.length]);
}

function toModelPort(metadata: InferenceSession.ValueMetadata): ModelPort {
  const { name } = metadata;
  return metadata.isTensor
    ? { name, type: metadata.type, shape: metadata.shape.map(nameFreeSize) }
    : { name, type: "not a tensor", shape: undefined };
}

/** The runtime returns -1, as an unsigned number, for a free size without a name. */
function nameFreeSize(size: number | string): number | string {
  return typeof size === "number" && (size < 0 || size >= 2 ** 31) ? "any" : size;
}
