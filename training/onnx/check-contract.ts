import { fromBinary } from "@bufbuild/protobuf";
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProto_DataLocation,
} from "onnx-buf";
import { UserError } from "../../cloudflare/user-error.ts";
import {
  GRADE_COLUMNS,
  MEASUREMENTS,
  type Measurement,
  NUMBER_COLUMNS,
  type Stone,
} from "../../src/domain/diamond.ts";
import { type LoadedModel, loadModel, type ModelPort } from "./runtime.ts";
import { toStoneTensors } from "./stone-tensors.ts";

/** An ONNX file that does not fulfil the contract of a price model. The message says why. */
export class ContractError extends UserError {}

const REQUIRED_INPUTS: ReadonlyMap<string, string> = new Map([
  ...NUMBER_COLUMNS.map((name) => [name, "float32"] as const),
  ...GRADE_COLUMNS.map((name) => [name, "string"] as const),
]);
const REQUIRED_OUTPUTS: ReadonlyMap<string, string> = new Map([["price", "float32"]]);

/**
 * Largest relative difference between the price of a stone in a batch and in a batch of one. Sums in a
 * different order cause small differences.
 */
const MAX_BATCH_DIFFERENCE = 1e-5;

/**
 * Checks that an ONNX file fulfils the contract of a price model:
 * - the inputs are `carat depth table x y z` (float32 [N]) and `cut color clarity` (string [N])
 * - the output is `price` (float32 [N], US dollars)
 * - N is any number of stones, and the price of a stone does not depend on the other stones
 * - missing measurements (NaN) are accepted
 * - all tensors are in this file
 * @throws ContractError with the first problem
 */
export async function checkContract(bytes: Uint8Array): Promise<void> {
  checkFile(bytes);
  const model = await loadForCheck(bytes);
  try {
    checkPorts("input", model.inputs, REQUIRED_INPUTS);
    checkPorts("output", model.outputs, REQUIRED_OUTPUTS);
    await checkPrices(model);
  } finally {
    await model.release();
  }
}

function checkFile(bytes: Uint8Array): void {
  const { graph } = decodeModel(bytes);
  if (graph === undefined || graph.node.length === 0)
    throw new ContractError("the file is not an ONNX model");
  const external = listTensors(graph).find(
    ({ dataLocation }) => dataLocation === TensorProto_DataLocation.EXTERNAL,
  );
  if (external) {
    const file = external.externalData.find(({ key }) => key === "location")?.value ?? "another file";
    throw new ContractError(
      `the model stores its tensor ${external.name} in ${file}; save the model as a single file`,
    );
  }
}

function decodeModel(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new ContractError("the file is not an ONNX model", { cause });
  }
}

/** Lists the constant tensors of a graph, including those in attributes and subgraphs. */
function listTensors(graph: GraphProto): TensorProto[] {
  const attributes = graph.node.flatMap((node) => node.attribute);
  const subgraphs = attributes.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));
  return [
    ...graph.initializer,
    ...attributes.flatMap(({ t, tensors }) => (t ? [t, ...tensors] : tensors)),
    ...subgraphs.flatMap(listTensors),
  ];
}

async function loadForCheck(bytes: Uint8Array): Promise<LoadedModel> {
  try {
    return await loadModel(bytes);
  } catch (cause) {
    throw new ContractError(`onnxruntime cannot load the model: ${describeError(cause)}`, { cause });
  }
}

function checkPorts(
  kind: "input" | "output",
  ports: readonly ModelPort[],
  required: ReadonlyMap<string, string>,
): void {
  const list = [...required.keys()].join(", ");
  for (const name of required.keys()) {
    if (ports.every((port) => port.name !== name)) {
      throw new ContractError(`the model has no ${kind} ${name}; its ${kind}s must be ${list}`);
    }
  }
  for (const { name, type, shape } of ports) {
    const requiredType = required.get(name);
    if (requiredType === undefined) {
      throw new ContractError(`the model has an unknown ${kind} ${name}; its ${kind}s must be ${list}`);
    }
    if (type !== requiredType) {
      throw new ContractError(`the ${kind} ${name} must be ${requiredType}, but is ${type}`);
    }
    if (shape !== undefined && (shape.length !== 1 || typeof shape[0] === "number")) {
      throw new ContractError(
        `the ${kind} ${name} must have the shape [N] for any number N of stones, but has [${shape.join(", ")}]`,
      );
    }
  }
}

/** Three ordinary stones. Every model of diamond prices can price them. */
const TEST_STONES: readonly Stone[] = [
  {
    carat: 0.31,
    cut: "Ideal",
    color: "E",
    clarity: "VS1",
    depth: 61.5,
    table: 55,
    x: 4.36,
    y: 4.38,
    z: 2.69,
  },
  {
    carat: 1.1,
    cut: "Very Good",
    color: "H",
    clarity: "SI2",
    depth: 62,
    table: 57,
    x: 6.61,
    y: 6.65,
    z: 4.11,
  },
  {
    carat: 2.01,
    cut: "Premium",
    color: "G",
    clarity: "SI1",
    depth: 61.2,
    table: 58,
    x: 8.1,
    y: 8.05,
    z: 4.94,
  },
];

async function checkPrices(model: LoadedModel): Promise<void> {
  const batchPrices = await priceStones(model, TEST_STONES, `${TEST_STONES.length} stones`);
  for (const missing of [MEASUREMENTS, ...MEASUREMENTS.map((name) => [name])]) {
    const stones = TEST_STONES.map((stone) => removeMeasurements(stone, missing));
    await priceStones(model, stones, `stones without ${missing.join(", ")} (NaN)`);
  }
  for (const [i, stone] of TEST_STONES.entries()) {
    const price = batchPrices[i]!;
    const singlePrice = (await priceStones(model, [stone], "1 stone"))[0]!;
    if (Math.abs(singlePrice - price) > MAX_BATCH_DIFFERENCE * Math.abs(price)) {
      throw new ContractError(
        `the price of a stone must not depend on the other stones, but is ${singlePrice} for one stone and ${price} in a batch`,
      );
    }
  }
}

async function priceStones(
  model: LoadedModel,
  stones: readonly Stone[],
  description: string,
): Promise<Float32Array> {
  const { price } = await model.run(toStoneTensors(stones)).catch((cause: unknown) => {
    throw new ContractError(`the model fails for ${description}: ${describeError(cause)}`, { cause });
  });
  if (price?.dims.length !== 1 || price.dims[0] !== stones.length) {
    throw new ContractError(
      `the price of ${description} must have the shape [${stones.length}], but has [${price?.dims.join(", ")}]`,
    );
  }
  const invalid = price.data.find((value) => !Number.isFinite(value));
  if (invalid !== undefined) {
    throw new ContractError(`the price of ${description} must be a number, but is ${invalid}`);
  }
  return price.data;
}

function removeMeasurements(stone: Stone, missing: readonly Measurement[]): Stone {
  const kept = Object.entries(stone).filter(([name]) => !missing.some((measurement) => measurement === name));
  return Object.fromEntries(kept) as Stone;
}

/** Returns the runtime's message without its prefix and the positions in its source code. */
function describeError(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.replace(/^.*ERROR_MESSAGE: /s, "").split("\n")[0] || message;
}
