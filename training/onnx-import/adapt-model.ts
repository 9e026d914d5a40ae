import { clone, toBinary } from "@bufbuild/protobuf";
import { type ModelProto, ModelProtoSchema } from "onnx-buf";
import { GRADE_COLUMNS, STONE_COLUMNS } from "../../src/domain/diamond.ts";
import { escapeText } from "../files/quote-text.ts";
import type { CompletionConstants } from "../models/completion.ts";
import { ContractError, joinFaults, MAX_SENTENCE_LENGTH } from "../onnx/check-contract.ts";
import { findModelFaults } from "../onnx-file/model-faults.ts";
import { fulfilsContract, listInputs, listOutputs } from "../onnx-file/ports.ts";
import { lowerIrVersion, raiseOpsets } from "../onnx-file/versions.ts";
import type { CategoryNames } from "../xgboost/category-codes.ts";
import { describeAdaptation } from "./describe-adaptation.ts";
import type { InputNames } from "./inputs-file.ts";
import { type InputPlan, planInputs } from "./plan-inputs.ts";
import { planOutput } from "./plan-output.ts";
import type { Target } from "./target.ts";
import { wrapModel } from "./wrap-model.ts";

/** What the caller says about a model. */
export interface AdaptationOptions {
  readonly target: Target;
  readonly inputs: InputNames | null;
  readonly categories: CategoryNames;
}

/** A price model that is made from another model. */
export interface AdaptedModel {
  /** What was assumed and changed, a sentence each. */
  readonly notes: readonly string[];
  /**
   * Returns the ONNX file, with our completion in front or, for null, with missing measurements (NaN) as they
   * are. The file of a model that fulfils the contract is then the given one, byte for byte.
   * @throws ContractError if the completion cannot be added
   */
  toBytes(completion: CompletionConstants | null): Uint8Array;
}

/**
 * Makes a price model of an ONNX file. The nodes of the model stay as they are, and others are put around them:
 * from the columns of a stone to its inputs, and from its output to the price.
 * @param decoded what the bytes hold
 * @throws ContractError with all faults that cannot be mended
 */
export function adaptModel(bytes: Uint8Array, decoded: ModelProto, options: AdaptationOptions): AdaptedModel {
  const faults = findModelFaults(decoded);
  const ports = { inputs: listInputs(decoded.graph!), outputs: listOutputs(decoded.graph!) };
  const { target, inputs: names, categories } = options;
  const isUnchanged = target === "price" && names === null && fulfilsContract(ports.inputs, ports.outputs);

  const model = clone(ModelProtoSchema, decoded);
  const notes: string[] = [];
  const { irVersion } = model;
  if (faults.length === 0 && lowerIrVersion(model))
    notes.push(`the IR version ${irVersion} is lowered to ${model.irVersion}, which the runtime reads`);
  const file = notes.length > 0 ? toBinary(ModelProtoSchema, model) : bytes;

  const inputs = planInputs(
    ports.inputs,
    { names, categories, featureNames: readFeatureNames(decoded) },
    faults,
  );
  const output = planOutput(ports.outputs, faults);
  const opsetFaults = raiseOpsets(model);
  if (!isUnchanged) {
    faults.push(...opsetFaults);
    if (output !== null) notes.push(...describeAdaptation(inputs, output, target));
  }
  if (faults.length > 0 || output === null) throw new ContractError(joinFaults(faults));
  notes.push(...describeUnused(inputs, categories));
  return {
    // The registry keeps the notes, and D1 refuses long statements.
    notes: notes.map((note) => escapeText(note, MAX_SENTENCE_LENGTH)),
    toBytes(completion) {
      if (completion === null && isUnchanged) return file;
      if (opsetFaults.length > 0) throw new ContractError(joinFaults(opsetFaults));
      return wrapModel(model, { inputs, output, target, completion });
    },
  };
}

/** Says which columns and options the model does not use. */
function describeUnused(inputs: readonly InputPlan[], categories: CategoryNames): string[] {
  const sources = inputs.flatMap((plan) => plan.sources);
  const unused = STONE_COLUMNS.filter((column) => sources.every((source) => source.column !== column));
  const useless = GRADE_COLUMNS.filter(
    (column) =>
      categories[column] !== undefined &&
      !sources.some((source) => source.column === column && source.kind === "code"),
  );
  return [
    ...(unused.length > 0 ? [`the model does not use ${unused.join(", ")}`] : []),
    ...(useless.length > 0
      ? [`--categories is not used for ${useless.join(", ")}: the model takes no codes for it`]
      : []),
  ];
}

/** Reads the names of a matrix's columns that some programs write into the metadata, as a JSON list. */
function readFeatureNames({ metadataProps }: ModelProto): string[] | null {
  const text = metadataProps.find(({ key }) => key === "feature_names")?.value;
  if (text === undefined) return null;
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((name) => typeof name === "string") ? value : null;
  } catch {
    return null;
  }
}
