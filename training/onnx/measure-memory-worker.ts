/** The code of the measuring thread: it measures one model in a runtime of its own, and ends. */
import { parentPort, workerData } from "node:worker_threads";
import { EXAMPLE_STONE, SAMPLE_STONE } from "../../src/domain/diamond.ts";
import { type ModelMemory, SESSION_OPTIONS } from "../../src/domain/models/model-memory.ts";
import { MAX_MEASURED_BYTES, type MemoryMeasurement } from "./measure-memory.ts";
import { describeRuntimeError } from "./runtime-error.ts";
import { toStoneTensors } from "./stone-tensors.ts";

const ROWS = 1000;

/** An ONNX file with one node, `result = Identity(x)`. Its session starts the runtime. */
const SMALLEST_MODEL =
  "CAoSBWZhY2V0OkcKFAoBeBIFcHJpY2UiCElkZW50aXR5EgVzdGFydFIAWhAKAXgSCwoJCAESBQoDEgFOYhQKBXByaWNlEgsKCQgBEgUKAxIBTkIECgAQFUIOCgphaS5vbm54Lm1sEAU=";

let memory: WebAssembly.Memory | undefined;
const WASM_PAGE_BYTES = 65_536;
/** The maximum that the runtime asks for: 4 GiB. */
const REQUESTED_PAGES = 65_536;
const OriginalMemory = WebAssembly.Memory;
// A model that takes more fails here, before it takes the memory of this machine.
Object.defineProperty(WebAssembly, "Memory", {
  value: class extends OriginalMemory {
    constructor(descriptor: WebAssembly.MemoryDescriptor) {
      const isRuntime = descriptor.maximum === REQUESTED_PAGES;
      super(isRuntime ? { ...descriptor, maximum: MAX_MEASURED_BYTES / WASM_PAGE_BYTES } : descriptor);
    }
  },
});
const instantiate = WebAssembly.instantiate.bind(WebAssembly);
// The runtime makes its memory itself and passes it to its module.
Object.defineProperty(WebAssembly, "instantiate", {
  value: (source: BufferSource, imports: WebAssembly.Imports = {}) => {
    const values = Object.values(imports).flatMap((module) => Object.values(module));
    memory = values.find((value) => value instanceof WebAssembly.Memory) ?? memory;
    return instantiate(source, imports);
  },
});

/** Complete stones, and stones without their measurements, which some models complete. */
const stones = Array.from({ length: ROWS }, (_, row) => (row % 2 === 0 ? EXAMPLE_STONE : SAMPLE_STONE));

async function measure(bytes: Uint8Array): Promise<ModelMemory> {
  const { env, InferenceSession, Tensor } = await import("onnxruntime-web/wasm");
  env.wasm.numThreads = 1;
  env.logLevel = "error";
  const start = await InferenceSession.create(Buffer.from(SMALLEST_MODEL, "base64"), SESSION_OPTIONS);
  await start.release();
  const columns = toStoneTensors(stones);
  const load = async () => {
    const session = await InferenceSession.create(bytes, { ...SESSION_OPTIONS, logSeverityLevel: 3 });
    const tensors = session.inputNames.map((name) => {
      const column = columns[name];
      if (column === undefined) throw new Error(`the model has an unknown input ${name}`);
      const tensor =
        column instanceof Float32Array
          ? new Tensor("float32", column, [ROWS])
          : new Tensor("string", [...column], [ROWS]);
      return [name, tensor] as const;
    });
    await session.run(Object.fromEntries(tensors));
    return findHighestByte();
  };
  const before = findHighestByte();
  const first = await load();
  // The second session reuses what the first one has freed. So the memory grows by what the first one keeps.
  const second = await load();
  return { memoryBytes: first - before, sessionBytes: second - first };
}

/** The memory that was ever used. It starts with zeros and grows upwards, in large steps that would be too coarse. */
function findHighestByte(): number {
  if (memory === undefined) throw new Error("the runtime has no memory");
  const words = new BigUint64Array(memory.buffer);
  let end = words.length;
  while (end > 0 && words[end - 1] === 0n) end--;
  return end * BigUint64Array.BYTES_PER_ELEMENT;
}

function isOutOfMemory(error: unknown): boolean {
  return error instanceof Error && /bad_alloc|out of memory|failed to allocate/i.test(error.message);
}

const result: MemoryMeasurement = await measure(workerData as Uint8Array).then(
  (measured) => ({ memory: measured }),
  (error: unknown) => ({
    memory: null,
    isOutOfMemory: isOutOfMemory(error),
    problem: describeRuntimeError(error),
  }),
);
parentPort?.postMessage(result);
