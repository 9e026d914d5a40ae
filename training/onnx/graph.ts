import { create, toBinary } from "@bufbuild/protobuf";
import {
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { type Attributes, encodeAttributes } from "./attributes.ts";
import {
  DATA_TYPES,
  doubleTensor,
  type ElementType,
  floatTensor,
  int64Tensor,
  stringTensor,
} from "./tensor.ts";

export type { Attributes } from "./attributes.ts";
export type { ElementType } from "./tensor.ts";

/** The newest that onnxruntime-web 1.30 and the Python runtimes of 2024 and later both run. */
const IR_VERSION = 10n;
const OPSETS = [
  { domain: "", version: 21n },
  { domain: "ai.onnx.ml", version: 5n },
];

/** A tensor that flows through the graph. */
export interface Value {
  readonly name: string;
  readonly type: ElementType;
  /** Number of dimensions: 0 for a constant number, 1 for a column, 2 for a matrix of features. */
  readonly rank: number;
}

export interface OperatorOptions {
  /** The operator's set; default `""`, ONNX's own. */
  readonly domain?: "" | "ai.onnx.ml";
  /** Type of the result; default that of the first input. */
  readonly type?: ElementType;
  /** Rank of the result; default the highest of the inputs, as broadcasting has it. */
  readonly rank?: number;
}

/**
 * Builds an ONNX model node by node. The same calls in the same order give the same bytes.
 *
 * Methods that are named after an operator add that one node; its rules are in the operator's own
 * reference at onnx.ai. Inputs and outputs share the first dimension, N, the number of stones.
 */
export class Graph {
  readonly #name: string;
  readonly #documentation: string;
  readonly #nodes: NodeProto[] = [];
  readonly #constants: TensorProto[] = [];
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];
  readonly #metadata = new Map<string, string>();

  constructor(name: string, documentation = "") {
    this.#name = name;
    this.#documentation = documentation;
  }

  /** An input of the model, shape [N]. */
  input(name: string, type: "float" | "string"): Value {
    const value: Value = { name, type, rank: 1 };
    this.#inputs.push(describe(value));
    return value;
  }

  /** Makes a value an output of the model: shape [N], or [N, F] for a matrix. */
  output(value: Value, name: string): void {
    this.#nodes.push(create(NodeProtoSchema, { opType: "Identity", input: [value.name], output: [name] }));
    this.#outputs.push(describe({ ...value, name }));
  }

  /** Keeps a text with the model, under a key of its own; readers see it as `metadata_props`. */
  metadata(key: string, value: string): void {
    this.#metadata.set(key, value);
  }

  /** Adds a node with one result. A null input is one that the operator calls optional. */
  op(
    operator: string,
    inputs: readonly (Value | null)[],
    attributes: Attributes = {},
    { domain = "", type, rank }: OperatorOptions = {},
  ): Value {
    const given = inputs.filter((input) => input !== null);
    const value: Value = {
      name: `${operator}_${this.#nodes.length}`,
      type: type ?? given[0]?.type ?? "float",
      rank: rank ?? Math.max(0, ...given.map((input) => input.rank)),
    };
    this.#nodes.push(
      create(NodeProtoSchema, {
        opType: operator,
        domain,
        input: inputs.map((input) => input?.name ?? ""),
        output: [value.name],
        attribute: encodeAttributes(attributes),
      }),
    );
    return value;
  }

  /** A float32 constant: a scalar from a number, else a vector or what the shape says. */
  float(values: number | readonly number[] | Float32Array, shape?: readonly number[]): Value {
    return this.#constant("float", floatTensor, values, shape);
  }

  /** A float64 constant. */
  double(values: number | readonly number[] | Float64Array, shape?: readonly number[]): Value {
    return this.#constant("double", doubleTensor, values, shape);
  }

  /** An int64 constant. */
  int64(values: number | readonly number[], shape?: readonly number[]): Value {
    return this.#constant("int64", int64Tensor, values, shape);
  }

  /** A constant of strings. */
  strings(values: string | readonly string[], shape?: readonly number[]): Value {
    return this.#constant("string", stringTensor, values, shape);
  }

  add = (a: Value, b: Value): Value => this.op("Add", [a, b]);
  sub = (a: Value, b: Value): Value => this.op("Sub", [a, b]);
  mul = (a: Value, b: Value): Value => this.op("Mul", [a, b]);
  div = (a: Value, b: Value): Value => this.op("Div", [a, b]);
  pow = (base: Value, exponent: Value): Value => this.op("Pow", [base, exponent]);
  sqrt = (value: Value): Value => this.op("Sqrt", [value]);
  exp = (value: Value): Value => this.op("Exp", [value]);
  log = (value: Value): Value => this.op("Log", [value]);
  abs = (value: Value): Value => this.op("Abs", [value]);
  floor = (value: Value): Value => this.op("Floor", [value]);
  /** NaN where any of them is. */
  min = (...values: Value[]): Value => this.op("Min", values);
  /** NaN where any of them is. */
  max = (...values: Value[]): Value => this.op("Max", values);

  isNaN = (value: Value): Value => this.op("IsNaN", [value], {}, { type: "bool" });
  less = (a: Value, b: Value): Value => this.op("Less", [a, b], {}, { type: "bool" });
  greater = (a: Value, b: Value): Value => this.op("Greater", [a, b], {}, { type: "bool" });
  equal = (a: Value, b: Value): Value => this.op("Equal", [a, b], {}, { type: "bool" });
  and = (a: Value, b: Value): Value => this.op("And", [a, b]);
  or = (a: Value, b: Value): Value => this.op("Or", [a, b]);
  not = (value: Value): Value => this.op("Not", [value]);
  /** `yes` where the condition holds, else `no`. */
  where = (condition: Value, yes: Value, no: Value): Value =>
    this.op("Where", [condition, yes, no], {}, { type: yes.type });

  cast(value: Value, type: ElementType): Value {
    return this.op("Cast", [value], { to: DATA_TYPES[type] }, { type });
  }

  /** Inserts a dimension of size 1 at the axis. */
  unsqueeze(value: Value, axis: number): Value {
    return this.op("Unsqueeze", [value, this.int64([axis])], {}, { rank: value.rank + 1 });
  }

  /** Drops the dimension of size 1 at the axis. */
  squeeze(value: Value, axis: number): Value {
    return this.op("Squeeze", [value, this.int64([axis])], {}, { rank: value.rank - 1 });
  }

  concat(values: readonly Value[], axis: number): Value {
    return this.op("Concat", values, { axis });
  }

  reshape(value: Value, shape: readonly number[]): Value {
    return this.op("Reshape", [value, this.int64(shape)], {}, { rank: shape.length });
  }

  expand(value: Value, shape: Value): Value {
    return this.op("Expand", [value, shape]);
  }

  matMul(a: Value, b: Value): Value {
    // A vector operand loses its dimension, as in numpy.
    const vectors = [a, b].filter((value) => value.rank === 1).length;
    return this.op("MatMul", [a, b], {}, { rank: Math.max(a.rank, b.rank, 2) - vectors });
  }

  gather(value: Value, indices: Value, axis = 0): Value {
    return this.op("Gather", [value, indices], { axis }, { rank: value.rank + indices.rank - 1 });
  }

  /** The sum over one axis, which is dropped. */
  reduceSum(value: Value, axis: number): Value {
    return this.op("ReduceSum", [value, this.int64([axis])], { keepdims: 0 }, { rank: value.rank - 1 });
  }

  /** The model as the bytes of an ONNX file. */
  toBytes(): Uint8Array {
    const model = create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      opsetImport: OPSETS,
      producerName: "facet",
      graph: {
        name: this.#name,
        docString: this.#documentation,
        node: this.#nodes,
        initializer: this.#constants,
        input: this.#inputs,
        output: this.#outputs,
      },
      metadataProps: Array.from(this.#metadata, ([key, value]) => ({ key, value })),
    });
    return toBinary(ModelProtoSchema, model);
  }

  #constant<T extends number | string>(
    type: ElementType,
    make: (values: Iterable<T>, shape: readonly number[], name: string) => TensorProto,
    values: T | Iterable<T>,
    shape?: readonly number[],
  ): Value {
    const list = typeof values === "object" ? Array.from(values) : [values];
    const dimensions = shape ?? (typeof values === "object" ? [list.length] : []);
    const name = `constant_${this.#constants.length}`;
    this.#constants.push(make(list, dimensions, name));
    return { name, type, rank: dimensions.length };
  }
}

function describe({ name, type, rank }: Value): ValueInfoProto {
  const dim = ["N", "F"].slice(0, rank).map((dimParam) => ({
    value: { case: "dimParam" as const, value: dimParam },
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: "tensorType", value: { elemType: DATA_TYPES[type], shape: { dim } } } },
  });
}
