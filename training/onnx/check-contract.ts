import { UserError } from "../../cloudflare/user-error.ts";
import {
  GRADE_COLUMNS,
  MEASUREMENTS,
  type Measurement,
  NUMBER_COLUMNS,
  type PricedStone,
  type Stone,
} from "../../src/domain/diamond.ts";
import { escapeText } from "../files/quote-text.ts";
import { decodeModel } from "../onnx-file/decode-model.ts";
import { findModelFaults } from "../onnx-file/model-faults.ts";
import { type LoadedModel, loadModel, type ModelPort, type OutputTensor } from "./runtime.ts";
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

/** A sentence about a file is not longer, whatever names the file has. */
export const MAX_SENTENCE_LENGTH = 1_500;
const MAX_LISTED_FAULTS = 20;

/** What keeps an ONNX file from being a price model, a sentence each. */
export interface ContractFaults {
  readonly faults: readonly string[];
  /** Whether there is only one fault: stones with missing measurements (NaN) have no price. */
  readonly onlyMissingMeasurements: boolean;
}

/**
 * Checks that an ONNX file fulfils the contract of a price model:
 * - the inputs are `carat depth table x y z` (float32 [N]) and `cut color clarity` (string [N])
 * - the output is `price` (float32 [N], US dollars)
 * - N is any number of stones, and the price of a stone does not depend on the other stones
 * - missing measurements (NaN) are accepted
 * - all tensors are in this file, and the runtime has all of its operators
 * @throws ContractError with all faults
 */
export async function checkContract(bytes: Uint8Array): Promise<void> {
  const { faults } = await findContractFaults(bytes);
  if (faults.length > 0) throw new ContractError(joinFaults(faults));
}

/** Joins faults to one line. Faults quote names of the file, so long ones and long lists are cut. */
export function joinFaults(faults: readonly string[]): string {
  const shown = faults.slice(0, MAX_LISTED_FAULTS).map((fault) => escapeText(fault, MAX_SENTENCE_LENGTH));
  if (faults.length <= 1) return shown[0] ?? "";
  const more = faults.length > shown.length ? [`and ${faults.length - shown.length} more`] : [];
  const list = [...shown.map((fault, i) => `(${i + 1}) ${fault}`), ...more];
  return `${faults.length} faults: ${list.join("; ")}`;
}

/** Lists the faults of a file; see {@link checkContract}. Later checks are left out if they need earlier ones. */
export async function findContractFaults(bytes: Uint8Array): Promise<ContractFaults> {
  const fileFaults = findFileFaults(bytes);
  if (fileFaults.length > 0) return { faults: fileFaults, onlyMissingMeasurements: false };
  let model: LoadedModel;
  try {
    model = await loadModel(bytes);
  } catch (cause) {
    const fault = `onnxruntime cannot load the model: ${describeError(cause)}`;
    return { faults: [fault], onlyMissingMeasurements: false };
  }
  try {
    const portFaults = [
      ...findPortFaults("input", model.inputs, REQUIRED_INPUTS),
      ...findPortFaults("output", model.outputs, REQUIRED_OUTPUTS),
    ];
    if (portFaults.length > 0) return { faults: portFaults, onlyMissingMeasurements: false };
    return await findPriceFaults(model);
  } finally {
    await model.release();
  }
}

function findFileFaults(bytes: Uint8Array): string[] {
  const model = decodeModel(bytes);
  return model === null ? ["the file is not an ONNX model"] : findModelFaults(model);
}

function findPortFaults(
  kind: "input" | "output",
  ports: readonly ModelPort[],
  required: ReadonlyMap<string, string>,
): string[] {
  const list = [...required.keys()].join(", ");
  const missing = [...required.keys()].filter((name) => ports.every((port) => port.name !== name));
  const faults = missing.map((name) => `the model has no ${kind} ${name}; its ${kind}s must be ${list}`);
  for (const { name, type, shape } of ports) {
    const requiredType = required.get(name);
    if (requiredType === undefined) {
      // An output with another name is the missing one.
      if (kind === "input" || missing.length === 0)
        faults.push(`the model has an unknown ${kind} ${name}; its ${kind}s must be ${list}`);
      continue;
    }
    if (type !== requiredType) faults.push(`the ${kind} ${name} must be ${requiredType}, but is ${type}`);
    if (shape !== undefined && (shape.length !== 1 || typeof shape[0] === "number")) {
      faults.push(
        `the ${kind} ${name} must have the shape [N] for any number N of stones, but has [${shape.join(", ")}]`,
      );
    }
  }
  return faults;
}

/** Three ordinary stones. Every model of diamond prices can price them. */
export const TEST_STONES: readonly Omit<PricedStone, "price">[] = [
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

async function findPriceFaults(model: LoadedModel): Promise<ContractFaults> {
  const batch = await priceStones(model, TEST_STONES, `${TEST_STONES.length} stones`);
  const faults = batch.fault === null ? [] : [batch.fault];
  for (const [i, stone] of TEST_STONES.entries()) {
    const single = await priceStones(model, [stone], "1 stone");
    // A fault of the batch is one of each stone too.
    if (batch.fault !== null) break;
    if (single.fault !== null) {
      faults.push(single.fault);
      break;
    }
    const [singlePrice, price] = [single.prices[0]!, batch.prices[i]!];
    if (Math.abs(singlePrice - price) > MAX_BATCH_DIFFERENCE * Math.abs(price)) {
      faults.push(
        `the price of a stone must not depend on the other stones, but is ${singlePrice} for one stone and ${price} in a batch`,
      );
      break;
    }
  }
  if (faults.length > 0) return { faults, onlyMissingMeasurements: false };
  for (const missing of [MEASUREMENTS, ...MEASUREMENTS.map((name) => [name])]) {
    const stones = TEST_STONES.map((stone) => removeMeasurements(stone, missing));
    const { fault } = await priceStones(model, stones, `stones without ${missing.join(", ")} (NaN)`);
    if (fault !== null) return { faults: [fault], onlyMissingMeasurements: true };
  }
  return { faults: [], onlyMissingMeasurements: false };
}

type StonePrices = { readonly prices: Float32Array; readonly fault: null } | { readonly fault: string };

async function priceStones(
  model: LoadedModel,
  stones: readonly Stone[],
  description: string,
): Promise<StonePrices> {
  let price: OutputTensor | undefined;
  try {
    price = (await model.run(toStoneTensors(stones))).price;
  } catch (cause) {
    return { fault: `the model fails for ${description}: ${describeError(cause)}` };
  }
  if (price?.dims.length !== 1 || price.dims[0] !== stones.length) {
    return {
      fault: `the price of ${description} must have the shape [${stones.length}], but has [${price?.dims.join(", ")}]`,
    };
  }
  const invalid = price.data.find((value) => !Number.isFinite(value));
  return invalid === undefined
    ? { prices: price.data, fault: null }
    : { fault: `the price of ${description} must be a number, but is ${invalid}` };
}

function removeMeasurements(stone: Stone, missing: readonly Measurement[]): Stone {
  const kept = Object.entries(stone).filter(([name]) => !missing.some((measurement) => measurement === name));
  return Object.fromEntries(kept) as Stone;
}

function describeError(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}
