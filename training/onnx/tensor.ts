import { create } from "@bufbuild/protobuf";
import { type TensorProto, TensorProto_DataType, TensorProtoSchema } from "onnx-buf";

/** The element type of a tensor. */
export type ElementType = "float" | "double" | "int64" | "bool" | "string";

/** ONNX's number of each element type. */
export const DATA_TYPES = {
  float: TensorProto_DataType.FLOAT,
  double: TensorProto_DataType.DOUBLE,
  int64: TensorProto_DataType.INT64,
  bool: TensorProto_DataType.BOOL,
  string: TensorProto_DataType.STRING,
} as const satisfies Record<ElementType, TensorProto_DataType>;

/** Creates a float32 tensor. Numbers are rounded to the nearest float32. */
export function createFloatTensor(
  values: Iterable<number>,
  shape: readonly number[],
  name = "",
): TensorProto {
  return createTensor(TensorProto_DataType.FLOAT, Float32Array.from(values), shape, name);
}

/** Creates a float64 tensor. */
export function createDoubleTensor(
  values: Iterable<number>,
  shape: readonly number[],
  name = "",
): TensorProto {
  return createTensor(TensorProto_DataType.DOUBLE, Float64Array.from(values), shape, name);
}

/** Creates an int64 tensor. The values must be safe integers. */
export function createInt64Tensor(
  values: Iterable<number>,
  shape: readonly number[],
  name = "",
): TensorProto {
  return createTensor(TensorProto_DataType.INT64, BigInt64Array.from(values, BigInt), shape, name);
}

/** Creates a uint8 tensor. */
export function createUint8Tensor(
  values: Iterable<number>,
  shape: readonly number[],
  name = "",
): TensorProto {
  return createTensor(TensorProto_DataType.UINT8, Uint8Array.from(values), shape, name);
}

/**
 * ONNX requires little-endian bytes. Typed arrays are little-endian on x64 and arm64, where training runs.
 */
function createTensor(
  dataType: TensorProto_DataType,
  values: { readonly buffer: ArrayBuffer; readonly length: number },
  shape: readonly number[],
  name: string,
): TensorProto {
  checkValueCount(values.length, shape);
  return create(TensorProtoSchema, {
    name,
    dataType,
    dims: shape.map(BigInt),
    rawData: new Uint8Array(values.buffer),
  });
}

function checkValueCount(count: number, shape: readonly number[]): void {
  const expected = shape.reduce((product, size) => product * size, 1);
  if (count !== expected) {
    throw new RangeError(`${count} values do not fit the shape [${shape.join(", ")}]: it has ${expected}`);
  }
}
