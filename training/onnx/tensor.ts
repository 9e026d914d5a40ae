import { create } from "@bufbuild/protobuf";
import { type TensorProto, TensorProto_DataType, TensorProtoSchema } from "onnx-buf";

/** What a value's elements are. */
export type ElementType = "float" | "double" | "int64" | "bool" | "string";

/** The number that ONNX gives each element type. */
export const DATA_TYPES = {
  float: TensorProto_DataType.FLOAT,
  double: TensorProto_DataType.DOUBLE,
  int64: TensorProto_DataType.INT64,
  bool: TensorProto_DataType.BOOL,
  string: TensorProto_DataType.STRING,
} as const satisfies Record<ElementType, TensorProto_DataType>;

/** A float32 tensor; numbers are rounded to the nearest float32. */
export function floatTensor(values: Iterable<number>, shape: readonly number[], name = ""): TensorProto {
  return rawTensor(TensorProto_DataType.FLOAT, Float32Array.from(values), shape, name);
}

/** A float64 tensor. */
export function doubleTensor(values: Iterable<number>, shape: readonly number[], name = ""): TensorProto {
  return rawTensor(TensorProto_DataType.DOUBLE, Float64Array.from(values), shape, name);
}

/** An int64 tensor of integers that a number holds exactly. */
export function int64Tensor(values: Iterable<number>, shape: readonly number[], name = ""): TensorProto {
  return rawTensor(TensorProto_DataType.INT64, BigInt64Array.from(values, BigInt), shape, name);
}

/** An uint8 tensor. */
export function uint8Tensor(values: Iterable<number>, shape: readonly number[], name = ""): TensorProto {
  return rawTensor(TensorProto_DataType.UINT8, Uint8Array.from(values), shape, name);
}

/** A tensor of strings, UTF-8. */
export function stringTensor(values: Iterable<string>, shape: readonly number[], name = ""): TensorProto {
  const stringData = Array.from(values, utf8);
  checkCount(stringData.length, shape);
  return create(TensorProtoSchema, {
    name,
    dataType: TensorProto_DataType.STRING,
    dims: shape.map(BigInt),
    stringData,
  });
}

export function utf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

/** ONNX wants little-endian bytes, which is what every platform that Node runs on has. */
function rawTensor(
  dataType: TensorProto_DataType,
  values: { readonly buffer: ArrayBuffer; readonly length: number },
  shape: readonly number[],
  name: string,
): TensorProto {
  checkCount(values.length, shape);
  return create(TensorProtoSchema, {
    name,
    dataType,
    dims: shape.map(BigInt),
    rawData: new Uint8Array(values.buffer),
  });
}

function checkCount(count: number, shape: readonly number[]): void {
  const wanted = shape.reduce((product, size) => product * size, 1);
  if (count !== wanted) throw new RangeError(`${count} values do not fill the shape [${shape.join(", ")}]`);
}
