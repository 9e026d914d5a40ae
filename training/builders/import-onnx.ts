import { basename } from "node:path";
import { sha256 } from "../../cloudflare/r2.ts";
import { UserError } from "../../cloudflare/user-error.ts";
import { parseInputFile } from "../files/read-input-file.ts";
import { fitCompletion } from "../models/completion.ts";
import { ContractError, findContractFaults, joinFaults, TEST_STONES } from "../onnx/check-contract.ts";
import { measureAllowedMemory, TooLargeError } from "../onnx/measure-memory.ts";
import { decodeModel } from "../onnx-file/decode-model.ts";
import { adaptModel } from "../onnx-import/adapt-model.ts";
import { parseInputNames } from "../onnx-import/inputs-file.ts";
import { needsCompletion } from "../onnx-import/missing-measurements.ts";
import { MODEL_PREFIX } from "../onnx-import/wrap-model.ts";
import { parseCategoryNames } from "../xgboost/mapping-files.ts";
import { toTarget } from "../xgboost/to-graph.ts";
import { evaluateModel } from "./evaluate-model.ts";
import { checkImport } from "./import-check.ts";
import { type ImportOptions, readLogTarget } from "./import-options.ts";
import type { ModelBuilder } from "./model-builder.ts";

const COMPLETION_NOTE = "they are completed from the others, with medians of the training stones";

/** For checks before there are training stones. */
const TEST_COMPLETION = fitCompletion(TEST_STONES.map((stone) => ({ ...stone, price: 1000 })));

/**
 * Creates a builder that takes an ONNX file: unchanged if it is a price model, otherwise with nodes around it
 * that make it one.
 * @throws UserError with all faults that cannot be mended
 */
export async function createOnnxBuilder(options: ImportOptions, bytes: Uint8Array): Promise<ModelBuilder> {
  const { file, name, categories, features, inputs, allTrees, missing } = options;
  const decoded = decodeModel(bytes);
  if (decoded === null) {
    const hasModelOptions =
      readLogTarget(options) !== false || categories !== undefined || features !== undefined;
    const hint =
      "; --log, --categories and --features can only be used with an XGBoost model, or the first two with an ONNX model";
    throw new ContractError(`the file is not an ONNX model, or it is damaged${hasModelOptions ? hint : ""}`);
  }
  if (features !== undefined)
    throw new UserError("--features is for XGBoost models; --inputs names the inputs of an ONNX model");
  if (allTrees || missing !== undefined)
    throw new UserError("--all-trees and --missing are for XGBoost models");
  const target = toTarget(readLogTarget(options));
  const model = adaptModel(bytes, decoded, {
    target,
    inputs: inputs === undefined ? null : await parseInputFile(inputs, parseInputNames),
    categories: categories === undefined ? {} : await parseInputFile(categories, parseCategoryNames),
  });
  const withoutCompletion = model.toBytes(null);
  await checkLimits(name, withoutCompletion);
  const acceptsMissing = await checkPriceModel(withoutCompletion, () => model.toBytes(TEST_COMPLETION));
  const isUnchanged = withoutCompletion === bytes;
  const settings = {
    imported: basename(file),
    sha256: sha256(bytes),
    ...(!isUnchanged && { target, adaptation: [...model.notes] }),
  };
  const notes = [...model.notes];
  if (!acceptsMissing) notes.push(`it has no price for stones with missing measurements; ${COMPLETION_NOTE}`);
  return {
    name,
    settings,
    notes,
    async build(split, { seed }) {
      const complete = () => model.toBytes(fitCompletion(split.train));
      const needsOurCompletion =
        acceptsMissing && !isUnchanged && (await needsCompletion(withoutCompletion, complete(), split.train));
      const isCompleted = !acceptsMissing || needsOurCompletion;
      const onnx = isCompleted ? complete() : withoutCompletion;
      const hyperparameters = isCompleted ? { ...settings, missingMeasurements: "completed" } : settings;
      const trained = await evaluateModel(
        { name, bytes: onnx, hyperparameters, fitSeconds: 0, gain: null, crossFittedPrices: null },
        split,
        seed,
      );
      const note = `its prices of stones with missing measurements are wrong; ${COMPLETION_NOTE}`;
      return checkImport(needsOurCompletion ? { ...trained, notes: [note] } : trained, split, {
        kind: "onnx",
        force: options.force,
      });
    },
  };
}

/**
 * Runs a model in a thread with limits of time and memory, before it is run without them.
 * @throws TooLargeError
 */
async function checkLimits(name: string, bytes: Uint8Array): Promise<void> {
  try {
    await measureAllowedMemory(name, bytes);
  } catch (error) {
    if (error instanceof TooLargeError) throw error;
    // It cannot be loaded or run. The checks that follow say why.
  }
}

/**
 * Checks an ONNX file by running it.
 * @param complete returns the same model with our completion in front
 * @returns whether it has prices for stones with missing measurements
 * @throws ContractError with all faults
 */
async function checkPriceModel(bytes: Uint8Array, complete: () => Uint8Array): Promise<boolean> {
  const { faults, onlyMissingMeasurements } = await findContractFaults(bytes);
  if (faults.length === 0) return true;
  if (!onlyMissingMeasurements) throw createFaultError(faults);
  const completed = await findContractFaults(complete());
  if (completed.faults.length > 0) throw createFaultError(completed.faults);
  return false;
}

function createFaultError(faults: readonly string[]): ContractError {
  const text = joinFaults(faults).replaceAll(MODEL_PREFIX, "");
  // The shapes of a price model are checked before it is run. So the model itself has another number of prices.
  if (/price.* must have the shape \[/.test(text)) {
    return new ContractError(
      `the model does not return one price for each stone (${text}); export it for any number of stones`,
    );
  }
  // Some of scikit-learn's transformers are exported to operators that exist for float32 only.
  const advice = text.includes("Could not find an implementation")
    ? "; if the model has float64 inputs, export it from columns of type float32"
    : "";
  return new ContractError(text + advice);
}
