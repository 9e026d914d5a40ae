import { type GraphProto, TensorProto_DataType, type ValueInfoProto } from "onnx-buf";
import { GRADE_COLUMNS, NUMBER_COLUMNS } from "../../src/domain/diamond.ts";

/** An input or output as the file declares it. */
export interface Port {
  readonly name: string;
  /** The type of the elements, such as `float32`; "not a tensor" for a sequence or a map. */
  readonly type: string;
  /** One entry per dimension: null if the size is free. Undefined if the file declares no shape. */
  readonly shape: readonly (number | null)[] | undefined;
}

/** ONNX's number of each element type that a model's inputs may have, and of some that they may not have. */
export const ELEMENT_TYPES: Readonly<Record<string, number>> = {
  float32: TensorProto_DataType.FLOAT,
  float64: TensorProto_DataType.DOUBLE,
  float16: TensorProto_DataType.FLOAT16,
  bfloat16: TensorProto_DataType.BFLOAT16,
  string: TensorProto_DataType.STRING,
  bool: TensorProto_DataType.BOOL,
  int8: TensorProto_DataType.INT8,
  int16: TensorProto_DataType.INT16,
  int32: TensorProto_DataType.INT32,
  int64: TensorProto_DataType.INT64,
  uint8: TensorProto_DataType.UINT8,
  uint16: TensorProto_DataType.UINT16,
  uint32: TensorProto_DataType.UINT32,
  uint64: TensorProto_DataType.UINT64,
};
const TYPE_NAMES = new Map(Object.entries(ELEMENT_TYPES).map(([name, type]) => [type, name]));

/** Lists the inputs of a graph. A constant that is declared as an input too is left out. */
export function listInputs(graph: GraphProto): Port[] {
  const constants = new Set([
    ...graph.initializer.map(({ name }) => name),
    ...graph.sparseInitializer.map(({ values }) => values?.name),
  ]);
  return graph.input.filter(({ name }) => !constants.has(name)).map(toPort);
}

export function listOutputs(graph: GraphProto): Port[] {
  return graph.output.map(toPort);
}

function toPort({ name, type }: ValueInfoProto): Port {
  if (type?.value.case !== "tensorType") return { name, type: "not a tensor", shape: undefined };
  const { elemType, shape } = type.value.value;
  return {
    name,
    type: TYPE_NAMES.get(elemType) ?? `element type ${elemType}`,
    // 0 and -1 are other spellings of a free size.
    shape: shape?.dim.map(({ value }) =>
      value.case === "dimValue" && value.value > 0n ? Number(value.value) : null,
    ),
  };
}

/** Returns whether the names, types and shapes are those of a price model, so that the file can stay as it is. */
export function fulfilsContract(inputs: readonly Port[], outputs: readonly Port[]): boolean {
  const isColumn = ({ shape }: Port) => shape === undefined || (shape.length === 1 && shape[0] === null);
  const hasPort = (ports: readonly Port[], name: string, type: string) =>
    ports.some((port) => port.name === name && port.type === type);
  return (
    inputs.length === NUMBER_COLUMNS.length + GRADE_COLUMNS.length &&
    NUMBER_COLUMNS.every((name) => hasPort(inputs, name, "float32")) &&
    GRADE_COLUMNS.every((name) => hasPort(inputs, name, "string")) &&
    outputs.length === 1 &&
    hasPort(outputs, "price", "float32") &&
    [...inputs, ...outputs].every(isColumn)
  );
}

/** Formats a shape for an error text: `[any, 9]`. */
export function formatShape(shape: Port["shape"]): string {
  return shape === undefined ? "no declared shape" : `[${shape.map((size) => size ?? "N").join(", ")}]`;
}
