import { env, InferenceSession, Tensor } from "onnxruntime-web/wasm";

env.wasm.numThreads = 1;
env.logLevel = "error";

/** An input or output as the model declares it. */
export interface Port {
  readonly name: string;
  readonly type: string;
  /** One entry a dimension, a number where it is fixed; undefined where the model does not say. */
  readonly shape: readonly (number | string)[] | undefined;
}

/** A column of N numbers or N strings for each of a model's inputs. */
export type Feeds = Readonly<Record<string, Float32Array | readonly string[]>>;

export interface Output {
  readonly data: Float32Array;
  readonly dims: readonly number[];
}

export interface Model {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** @throws Error where a feed is missing, is of the wrong type, or an output is not float. */
  run(feeds: Feeds): Promise<Record<string, Output>>;
  release(): Promise<void>;
}

/**
 * Loads an ONNX model into the WebAssembly runtime.
 * @throws Error with the runtime's reason where the bytes are no model that it can run.
 */
export async function createModel(bytes: Uint8Array): Promise<Model> {
  const session = await exclusively(() => InferenceSession.create(bytes, { logSeverityLevel: 3 }));
  return {
    inputs: session.inputMetadata.map(port),
    outputs: session.outputMetadata.map(port),
    run: (feeds) => exclusively(() => run(session, feeds)),
    release: () => exclusively(() => session.release()),
  };
}

async function run(session: InferenceSession, feeds: Feeds): Promise<Record<string, Output>> {
  const tensors = Object.entries(feeds).map(([name, values]) => [name, column(values)] as const);
  const results = await session.run(Object.fromEntries(tensors));
  return Object.fromEntries(
    Object.entries(results).map(([name, { data, dims, type }]) => {
      if (!(data instanceof Float32Array)) throw new Error(`output ${name} is ${type}, not float`);
      return [name, { data, dims }];
    }),
  );
}

function column(values: Float32Array | readonly string[]): Tensor {
  return values instanceof Float32Array
    ? new Tensor("float32", values, [values.length])
    : new Tensor("string", [...values], [values.length]);
}

function port(metadata: InferenceSession.ValueMetadata): Port {
  const { name } = metadata;
  return metadata.isTensor
    ? { name, type: metadata.type, shape: metadata.shape }
    : { name, type: "not a tensor", shape: undefined };
}

let last: Promise<unknown> = Promise.resolve();

/** One call into the runtime at a time: in workerd, calls that overlap corrupt its stack for good. */
function exclusively<T>(action: () => Promise<T>): Promise<T> {
  const result = last.then(action);
  last = result.catch(() => undefined);
  return result;
}
