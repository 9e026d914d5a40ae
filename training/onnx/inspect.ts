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
import { createModel, type Model, type Port } from "./runtime.ts";
import { stoneTensors } from "./stone-tensors.ts";

/** An ONNX file that cannot serve prices; the message names the fault. */
export class ContractError extends UserError {}

const INPUTS: ReadonlyMap<string, string> = new Map([
  ...NUMBER_COLUMNS.map((name) => [name, "float32"] as const),
  ...GRADE_COLUMNS.map((name) => [name, "string"] as const),
]);
const OUTPUTS: ReadonlyMap<string, string> = new Map([["price", "float32"]]);

/** Prices of one stone alone and among others may differ by the order of a sum, not by more. */
const BATCH_TOLERANCE = 1e-5;

/**
 * Checks that an ONNX file is a whole model as every part of this project expects one: inputs `carat depth
 * table x y z` (float32 [N]) and `cut color clarity` (string [N]), output `price` (float32 [N], dollars),
 * nothing outside the file, missing measurements (NaN) accepted, N free.
 * @throws ContractError naming the fault
 */
export async function checkContract(bytes: Uint8Array): Promise<void> {
  checkFile(bytes);
  const model = await load(bytes);
  try {
    checkPorts("input", model.inputs, INPUTS);
    checkPorts("output", model.outputs, OUTPUTS);
    await checkPrices(model);
  } finally {
    await model.release();
  }
}

function checkFile(bytes: Uint8Array): void {
  const { graph } = decode(bytes);
  if (graph === undefined || graph.node.length === 0) throw new ContractError("the file is no ONNX model");
  const outside = tensorsOf(graph).find(
    ({ dataLocation }) => dataLocation === TensorProto_DataLocation.EXTERNAL,
  );
  if (outside) {
    const file = outside.externalData.find(({ key }) => key === "location")?.value ?? "another file";
    throw new ContractError(
      `the model keeps its tensor ${outside.name} in ${file}: save it as a single file`,
    );
  }
}

function decode(bytes: Uint8Array): ModelProto {
  try {
    return fromBinary(ModelProtoSchema, bytes);
  } catch (cause) {
    throw new ContractError("the file is no ONNX model", { cause });
  }
}

/** The constants of a graph, those in attributes and inner graphs included. */
function tensorsOf(graph: GraphProto): TensorProto[] {
  const attributes = graph.node.flatMap((node) => node.attribute);
  const inner = attributes.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));
  return [
    ...graph.initializer,
    ...attributes.flatMap(({ t, tensors }) => (t ? [t, ...tensors] : tensors)),
    ...inner.flatMap(tensorsOf),
  ];
}

async function load(bytes: Uint8Array): Promise<Model> {
  try {
    return await createModel(bytes);
  } catch (cause) {
    throw new ContractError(`onnxruntime does not load the model: ${reason(cause)}`, { cause });
  }
}

function checkPorts(
  kind: "input" | "output",
  ports: readonly Port[],
  wanted: ReadonlyMap<string, string>,
): void {
  const list = [...wanted.keys()].join(", ");
  for (const name of wanted.keys()) {
    if (ports.every((port) => port.name !== name)) {
      throw new ContractError(`the model has no ${kind} ${name}: its ${kind}s must be ${list}`);
    }
  }
  for (const { name, type, shape } of ports) {
    const wantedType = wanted.get(name);
    if (wantedType === undefined) {
      throw new ContractError(`the model has an ${kind} ${name}: its ${kind}s must be ${list} alone`);
    }
    if (type !== wantedType)
      throw new ContractError(`the ${kind} ${name} is ${type}, it must be ${wantedType}`);
    if (shape !== undefined && (shape.length !== 1 || typeof shape[0] === "number")) {
      throw new ContractError(
        `the ${kind} ${name} has the shape [${shape.join(", ")}], it must be [N] for any number N of stones`,
      );
    }
  }
}

/** Three stones that are nothing special, so that any model of diamonds can price them. */
const PROBES: readonly Stone[] = [
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

async function checkPrices(model: Model): Promise<void> {
  const together = await prices(model, PROBES, `${PROBES.length} stones`);
  for (const missing of [MEASUREMENTS, ...MEASUREMENTS.map((name) => [name])]) {
    const stones = PROBES.map((stone) => without(stone, missing));
    await prices(model, stones, `stones whose ${missing.join(", ")} are missing (NaN)`);
  }
  for (const [i, stone] of PROBES.entries()) {
    const price = together[i]!;
    const alone = (await prices(model, [stone], "1 stone"))[0]!;
    if (Math.abs(alone - price) > BATCH_TOLERANCE * Math.abs(price)) {
      throw new ContractError(`the model prices a stone at ${alone} alone and at ${price} among others`);
    }
  }
}

async function prices(model: Model, stones: readonly Stone[], what: string): Promise<Float32Array> {
  const { price } = await model.run(stoneTensors(stones)).catch((cause: unknown) => {
    throw new ContractError(`the model does not run on ${what}: ${reason(cause)}`, { cause });
  });
  if (price?.dims.length !== 1 || price.dims[0] !== stones.length) {
    throw new ContractError(
      `the model answers ${what} with the shape [${price?.dims.join(", ")}], it must be [${stones.length}]`,
    );
  }
  const wrong = price.data.find((value) => !Number.isFinite(value));
  if (wrong !== undefined) throw new ContractError(`the model answers ${what} with the price ${wrong}`);
  return price.data;
}

function without(stone: Stone, missing: readonly Measurement[]): Stone {
  const left = Object.entries(stone).filter(([name]) => !missing.some((measurement) => measurement === name));
  return Object.fromEntries(left) as Stone;
}

/** What the runtime says, without its preamble and the places in its own source. */
function reason(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  return message.replace(/^.*ERROR_MESSAGE: /s, "").split("\n")[0] || message;
}
