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
  createDoubleTensor,
  createFloatTensor,
  createInt64Tensor,
  DATA_TYPES,
  type ElementType,
} from "./tensor.ts";

/** The newest version that both onnxruntime-web 1.30 and the Python runtimes since 2024 can load. */
const IR_VERSION = 10n;
const OPSETS = [
  { domain: "", version: 21n },
  { domain: "ai.onnx.ml", version: 5n },
];

/** A tensor in the graph: an input, a constant or the result of a node. */
export interface GraphValue {
  readonly name: string;
  readonly type: ElementType;
  /** Number of dimensions: 0 for a scalar constant, 1 for a column, 2 for a feature matrix. */
  readonly rank: number;
}

export interface NodeOptions {
  /** The operator set. The default `""` is ONNX's own set. */
  readonly domain?: "" | "ai.onnx.ml";
  /** Element type of the result. The default is the type of the first input. */
  readonly type?: ElementType;
  /** Rank of the result. The default is the highest rank of the inputs (broadcasting). */
  readonly rank?: number;
}

/**
 * Builds an ONNX model node by node. The same calls in the same order produce the same bytes.
 *
 * A method with the name of an ONNX operator adds one node. The operator reference at onnx.ai documents
 * its rules. All inputs and outputs have the first dimension N, the number of stones.
 */
export class Graph {
  readonly #name: string;
  readonly #nodes: NodeProto[] = [];
  readonly #constants: TensorProto[] = [];
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];

  constructor(name: string) {
    this.#name = name;
  }

  /** Declares an input of the model, shape [N]. */
  addInput(name: string, type: "float" | "string"): GraphValue {
    const value: GraphValue = { name, type, rank: 1 };
    this.#inputs.push(toValueInfo(value));
    return value;
  }

  /** Declares a value as an output of the model: shape [N], or [N, F] for a matrix. */
  addOutput(value: GraphValue, name: string): void {
    this.#nodes.push(create(NodeProtoSchema, { opType: "Identity", input: [value.name], output: [name] }));
    this.#outputs.push(toValueInfo({ ...value, name }));
  }

  /** Adds a node with one result. A null input leaves an optional input of the operator empty. */
  addNode(
    operator: string,
    inputs: readonly (GraphValue | null)[],
    attributes: Attributes = {},
    { domain = "", type, rank }: NodeOptions = {},
  ): GraphValue {
    const presentInputs = inputs.filter((input) => input !== null);
    const value: GraphValue = {
      name: `${operator}_${this.#nodes.length}`,
      type: type ?? presentInputs[0]?.type ?? "float",
      rank: rank ?? Math.max(0, ...presentInputs.map((input) => input.rank)),
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

  /** Adds a float32 constant. A number becomes a scalar. A list becomes a vector unless a shape is given. */
  floatConstant(values: number | readonly number[] | Float32Array, shape?: readonly number[]): GraphValue {
    return this.#addConstant("float", createFloatTensor, values, shape);
  }

  /** Adds a float64 constant. */
  doubleConstant(values: number | readonly number[] | Float64Array, shape?: readonly number[]): GraphValue {
    return this.#addConstant("double", createDoubleTensor, values, shape);
  }

  /** Adds an int64 constant. */
  int64Constant(values: number | readonly number[], shape?: readonly number[]): GraphValue {
    return this.#addConstant("int64", createInt64Tensor, values, shape);
  }

  add = (a: GraphValue, b: GraphValue): GraphValue => this.addNode("Add", [a, b]);
  sub = (a: GraphValue, b: GraphValue): GraphValue => this.addNode("Sub", [a, b]);
  mul = (a: GraphValue, b: GraphValue): GraphValue => this.addNode("Mul", [a, b]);
  div = (a: GraphValue, b: GraphValue): GraphValue => this.addNode("Div", [a, b]);
  pow = (base: GraphValue, exponent: GraphValue): GraphValue => this.addNode("Pow", [base, exponent]);
  sqrt = (value: GraphValue): GraphValue => this.addNode("Sqrt", [value]);
  exp = (value: GraphValue): GraphValue => this.addNode("Exp", [value]);
  /** The result is NaN if one of the values is NaN. */
  min = (...values: GraphValue[]): GraphValue => this.addNode("Min", values);
  /** The result is NaN if one of the values is NaN. */
  max = (...values: GraphValue[]): GraphValue => this.addNode("Max", values);

  isNaN = (value: GraphValue): GraphValue => this.addNode("IsNaN", [value], {}, { type: "bool" });
  /** Takes the element of `whenTrue` if the condition is true, otherwise the element of `whenFalse`. */
  where = (condition: GraphValue, whenTrue: GraphValue, whenFalse: GraphValue): GraphValue =>
    this.addNode("Where", [condition, whenTrue, whenFalse], {}, { type: whenTrue.type });

  cast(value: GraphValue, type: ElementType): GraphValue {
    return this.addNode("Cast", [value], { to: DATA_TYPES[type] }, { type });
  }

  /** Replaces strings [N] by their numbers, float [N]. A string that is not in the map becomes NaN. */
  encodeLabels(labels: GraphValue, numbers: ReadonlyMap<string, number>): GraphValue {
    return this.addNode(
      "LabelEncoder",
      [labels],
      {
        keys_strings: [...numbers.keys()],
        values_floats: Float32Array.from(numbers.values()),
        default_float: Number.NaN,
      },
      { domain: "ai.onnx.ml", type: "float" },
    );
  }

  /** Inserts a dimension of size 1 at the axis. */
  unsqueeze(value: GraphValue, axis: number): GraphValue {
    return this.addNode("Unsqueeze", [value, this.int64Constant([axis])], {}, { rank: value.rank + 1 });
  }

  /** Removes the dimension of size 1 at the axis. */
  squeeze(value: GraphValue, axis: number): GraphValue {
    return this.addNode("Squeeze", [value, this.int64Constant([axis])], {}, { rank: value.rank - 1 });
  }

  concat(values: readonly GraphValue[], axis: number): GraphValue {
    return this.addNode("Concat", values, { axis });
  }

  matMul(a: GraphValue, b: GraphValue): GraphValue {
    // The dimension of a vector operand is removed, as in numpy.
    const vectors = [a, b].filter((value) => value.rank === 1).length;
    return this.addNode("MatMul", [a, b], {}, { rank: Math.max(a.rank, b.rank, 2) - vectors });
  }

  gather(value: GraphValue, indices: GraphValue, axis = 0): GraphValue {
    return this.addNode("Gather", [value, indices], { axis }, { rank: value.rank + indices.rank - 1 });
  }

  /** Serializes the model to the bytes of an ONNX file. */
  toBytes(): Uint8Array {
    const model = create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      opsetImport: OPSETS,
      producerName: "facet",
      graph: {
        name: this.#name,
        // The empty field is written to the file. Without it, the SHA-256 of every model would change.
        docString: "",
        node: this.#nodes,
        initializer: this.#constants,
        input: this.#inputs,
        output: this.#outputs,
      },
    });
    return toBinary(ModelProtoSchema, model);
  }

  #addConstant(
    type: ElementType,
    createTensor: (values: Iterable<number>, shape: readonly number[], name: string) => TensorProto,
    values: number | Iterable<number>,
    shape?: readonly number[],
  ): GraphValue {
    const list = typeof values === "number" ? [values] : Array.from(values);
    const dimensions = shape ?? (typeof values === "number" ? [] : [list.length]);
    const name = `constant_${this.#constants.length}`;
    this.#constants.push(createTensor(list, dimensions, name));
    return { name, type, rank: dimensions.length };
  }
}

function toValueInfo({ name, type, rank }: GraphValue): ValueInfoProto {
  const dim = ["N", "F"].slice(0, rank).map((dimParam) => ({
    value: { case: "dimParam" as const, value: dimParam },
  }));
  return create(ValueInfoProtoSchema, {
    name,
    type: { value: { case: "tensorType", value: { elemType: DATA_TYPES[type], shape: { dim } } } },
  });
}
