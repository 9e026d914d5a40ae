import { type ModelProto, TensorProto_DataType } from "onnx-buf";
import { listGraphs, listTensors } from "./decode-model.ts";

/** The newest versions that onnxruntime-web 1.30 loads, by operator set. `""` is ONNX's own set. */
const MAX_OPSETS: ReadonlyMap<string, number> = new Map([
  ["", 26],
  ["ai.onnx.ml", 5],
]);
/** The highest IR version that the runtime loads. */
export const MAX_IR_VERSION = 13;
/** Version 14 only adds the types FLOAT6E2M3 and FLOAT6E3M2, which nothing here uses. */
const MAX_LOWERED_IR_VERSION = 14;
/** The highest element type of IR version 13: INT2. */
const MAX_ELEMENT_TYPE = 26;

/** The oldest version of ONNX's operator set that the nodes around an imported model can be added to. */
const MIN_OPSET = 11;
/** The operator set of a model that uses none of its operators. */
const DEFAULT_OPSET = 21;
/** LabelEncoder takes texts and returns floats since version 2. */
const MIN_ML_OPSET = 2;

/**
 * Operators that mean the same in MIN_OPSET as in an older set, by the version from which on this is so.
 * LightGBM's converter writes version 8 with nothing but Identity and Exp.
 */
const COMPATIBLE_SINCE: ReadonlyMap<string, number> = new Map(
  (
    [
      [
        1,
        "Identity Transpose Constant Gather Shape Flatten MatMul ReduceSum ReduceMean Not Squeeze Unsqueeze",
      ],
      [2, "Split"],
      [4, "Concat"],
      [5, "Reshape"],
      [6, "Cast Exp Log Neg Abs Sqrt Relu Sigmoid Tanh Floor Tile"],
      [7, "Add Sub Mul Div Pow Gemm Less Greater Equal And Or"],
      [8, "Max Min Sum Expand"],
      [9, "Where IsNaN ConstantOfShape"],
    ] as const
  ).flatMap(([version, names]) => names.split(" ").map((name) => [name, version] as const)),
);

/** Lists the versions of a model that the runtime does not have, a sentence each. */
export function findVersionFaults(model: ModelProto): string[] {
  const faults: string[] = [];
  const irVersion = Number(model.irVersion);
  if (irVersion > MAX_IR_VERSION && !canLowerIrVersion(model)) {
    faults.push(
      `the file has IR version ${irVersion}; save it with ir_version ${MAX_IR_VERSION} or lower ` +
        `(model.ir_version = ${MAX_IR_VERSION} before onnx.save)`,
    );
  }
  for (const { domain, version } of model.opsetImport) {
    const max = MAX_OPSETS.get(normalizeDomain(domain));
    if (max !== undefined && version > BigInt(max)) {
      faults.push(
        `the model uses operator set ${version} of ${domain || "ai.onnx"}; ` +
          `export it with target_opset ${max} or lower, or convert it with onnx.version_converter`,
      );
    }
  }
  return faults;
}

/**
 * Lowers the IR version of a model to one that the runtime loads. The model must have no version faults.
 * @returns whether it was changed
 */
export function lowerIrVersion(model: ModelProto): boolean {
  if (model.irVersion <= BigInt(MAX_IR_VERSION)) return false;
  model.irVersion = BigInt(MAX_IR_VERSION);
  return true;
}

function canLowerIrVersion({ irVersion, graph }: ModelProto): boolean {
  if (irVersion > BigInt(MAX_LOWERED_IR_VERSION) || graph === undefined) return false;
  const elementTypes = [
    ...listTensors(graph).map(({ dataType }) => dataType),
    ...listGraphs(graph).flatMap(({ input, output, valueInfo }) =>
      [...input, ...output, ...valueInfo].map(({ type }) =>
        type?.value.case === "tensorType" ? type.value.value.elemType : TensorProto_DataType.UNDEFINED,
      ),
    ),
    ...listGraphs(graph).flatMap(({ node }) =>
      node.flatMap(({ opType, attribute }) =>
        opType === "Cast" ? attribute.filter(({ name }) => name === "to").map(({ i }) => Number(i)) : [],
      ),
    ),
  ];
  return elementTypes.every((type) => type <= MAX_ELEMENT_TYPE);
}

/**
 * Raises the operator sets of a model so that nodes of ours can be added to it. The model's own nodes mean
 * the same afterwards.
 * @returns a sentence for each set for which this is not possible
 */
export function raiseOpsets(model: ModelProto): string[] {
  const opsets = new Map<string, bigint>();
  // Some converters write a set twice.
  for (const { domain, version } of model.opsetImport) {
    const name = normalizeDomain(domain);
    opsets.set(name, maxVersion(version, opsets.get(name)));
  }
  const operators = listOperators(model);
  const faults: string[] = [];
  const version = opsets.get("");
  if (version === undefined) opsets.set("", BigInt(DEFAULT_OPSET));
  else if (version < BigInt(MIN_OPSET)) {
    const changed = operators.filter(
      ({ domain, opType }) => domain === "" && BigInt(COMPATIBLE_SINCE.get(opType) ?? MIN_OPSET) > version,
    );
    if (changed.length > 0 || model.functions.length > 0) {
      faults.push(
        `the model uses operator set ${version} of ai.onnx; export it with target_opset ${MIN_OPSET} to ${MAX_OPSETS.get("")}`,
      );
    } else opsets.set("", BigInt(MIN_OPSET));
  }
  const mlVersion = opsets.get("ai.onnx.ml");
  if (mlVersion === undefined) opsets.set("ai.onnx.ml", BigInt(MIN_ML_OPSET));
  else if (mlVersion < BigInt(MIN_ML_OPSET)) {
    if (operators.some(({ domain, opType }) => domain === "ai.onnx.ml" && opType === "LabelEncoder")) {
      faults.push(
        `the model uses LabelEncoder of operator set ${mlVersion} of ai.onnx.ml; export it with version ` +
          `${MIN_ML_OPSET} to ${MAX_OPSETS.get("ai.onnx.ml")} of that set`,
      );
    } else opsets.set("ai.onnx.ml", BigInt(MIN_ML_OPSET));
  }
  const [first] = model.opsetImport;
  if (faults.length === 0 && first !== undefined)
    model.opsetImport = [...opsets].map(([domain, version]) => ({ ...first, domain, version }));
  return faults;
}

function listOperators({ graph }: ModelProto): { domain: string; opType: string }[] {
  if (graph === undefined) return [];
  return listGraphs(graph).flatMap(({ node }) =>
    node.map(({ domain, opType }) => ({ domain: normalizeDomain(domain), opType })),
  );
}

/** `ai.onnx` is another name of `""`. */
function normalizeDomain(domain: string): string {
  return domain === "ai.onnx" ? "" : domain;
}

function maxVersion(a: bigint, b: bigint | undefined): bigint {
  return b === undefined || a > b ? a : b;
}
