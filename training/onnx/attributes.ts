import { create } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProtoSchema,
  AttributeProto_AttributeType as AttributeType,
  type TensorProto,
} from "onnx-buf";
import { utf8 } from "./tensor.ts";

/**
 * What an operator's attribute may be. Numbers become INT or INTS, except where the attribute's name says
 * float (`default_float`, `values_floats`, `alpha`, ...), the number has a fraction or is not finite, or
 * the list is a Float32Array.
 */
export type Attribute =
  | number
  | bigint
  | string
  | readonly number[]
  | readonly string[]
  | Float32Array
  | TensorProto;

/** An operator's attributes by name; undefined ones are left out. */
export type Attributes = Readonly<Record<string, Attribute | undefined>>;

/** Attributes in the order of their keys, as ONNX stores them. */
export function encodeAttributes(attributes: Attributes): AttributeProto[] {
  return Object.entries(attributes).flatMap(([name, value]) =>
    value === undefined ? [] : [encodeAttribute(name, value)],
  );
}

function encodeAttribute(name: string, value: Attribute): AttributeProto {
  if (typeof value === "bigint")
    return create(AttributeProtoSchema, { name, type: AttributeType.INT, i: value });
  if (typeof value === "number") {
    return isFloat(name, [value])
      ? create(AttributeProtoSchema, { name, type: AttributeType.FLOAT, f: value })
      : create(AttributeProtoSchema, { name, type: AttributeType.INT, i: BigInt(value) });
  }
  if (typeof value === "string") {
    return create(AttributeProtoSchema, { name, type: AttributeType.STRING, s: utf8(value) });
  }
  if (value instanceof Float32Array) {
    return create(AttributeProtoSchema, { name, type: AttributeType.FLOATS, floats: Array.from(value) });
  }
  if (isStrings(value)) {
    return create(AttributeProtoSchema, { name, type: AttributeType.STRINGS, strings: value.map(utf8) });
  }
  if (isNumbers(value)) {
    return isFloat(name, value)
      ? create(AttributeProtoSchema, { name, type: AttributeType.FLOATS, floats: [...value] })
      : create(AttributeProtoSchema, { name, type: AttributeType.INTS, ints: value.map(BigInt) });
  }
  return create(AttributeProtoSchema, { name, type: AttributeType.TENSOR, t: value });
}

function isFloat(name: string, values: readonly number[]): boolean {
  return (
    /(^|_)floats?$|^(alpha|beta|gamma|epsilon|bias|lambd)$/.test(name) || !values.every(Number.isInteger)
  );
}

function isNumbers(value: readonly number[] | TensorProto): value is readonly number[] {
  return Array.isArray(value);
}

function isStrings(value: readonly number[] | readonly string[] | TensorProto): value is readonly string[] {
  return Array.isArray(value) && typeof value[0] === "string";
}
