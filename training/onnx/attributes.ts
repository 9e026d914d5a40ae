import { create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type GraphProto,
  type TensorProto,
} from "onnx-buf";

/**
 * The value of an operator's attribute. A number becomes INT and a list of numbers INTS. They become FLOAT
 * and FLOATS if the attribute's name says so (`default_float`, `values_floats`, `alpha`, ...), if a number
 * is not an integer, or if the list is a Float32Array.
 */
export type AttributeValue =
  | number
  | string
  | readonly number[]
  | readonly string[]
  | Float32Array
  | TensorProto
  | GraphProto;

/** An operator's attributes by name. Undefined values are omitted. */
export type Attributes = Readonly<Record<string, AttributeValue | undefined>>;

/** Converts attributes to their ONNX form, in the order of their keys. */
export function encodeAttributes(attributes: Attributes): AttributeProto[] {
  return Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined ? [] : [encodeAttribute(name, value)],
  );
}

function encodeAttribute(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === "number") {
    return hasFloatType(name, [value])
      ? create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value })
      : create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  }
  if (typeof value === "string") {
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: encodeUtf8(value) });
  }
  if (value instanceof Float32Array) {
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOATS, floats: Array.from(value) });
  }
  if (isStringArray(value)) {
    return create(AttributeProtoSchema, {
      name,
      type: AttributeType.STRINGS,
      strings: value.map(encodeUtf8),
    });
  }
  if (isNumberArray(value)) {
    return hasFloatType(name, value)
      ? create(AttributeProtoSchema, { name, type: AttributeType.FLOATS, floats: [...value] })
      : create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
  }
  return value.$typeName === "onnx.GraphProto"
    ? create(AttributeProtoSchema, { name, type: AttributeType.GRAPH, g: value })
    : create(AttributeProtoSchema, { name, type: AttributeType.TENSOR, t: value });
}

function hasFloatType(name: string, values: readonly number[]): boolean {
  return (
    /(^|_)floats?$|^(alpha|beta|gamma|epsilon|bias|lambd)$/.test(name) || !values.every(Number.isInteger)
  );
}

function isNumberArray(value: readonly number[] | TensorProto | GraphProto): value is readonly number[] {
  return Array.isArray(value);
}

function isStringArray(
  value: readonly number[] | readonly string[] | TensorProto | GraphProto,
): value is readonly string[] {
  return Array.isArray(value) && typeof value[0] === "string";
}

function encodeUtf8(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}
