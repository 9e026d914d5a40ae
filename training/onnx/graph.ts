import { create, toBinary } from "@bufbuild/protobuf";
import {
  type GraphProto,
  GraphProtoSchema,
  ModelProtoSchema,
  type NodeProto,
  NodeProtoSchema,
  type TensorProto,
  TensorProtoSchema,
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
 *
 * The time of a run for one stone grows with the number of nodes, whatever they compute. An equal node is
 * therefore added only once, and a node that no output needs is left out of the file.
 */
export class Graph {
  readonly #name: string;
  /** Starts the name of each value of a branch, because a branch must not reuse the names around it. */
  readonly #prefix: string;
  readonly #nodes: NodeProto[] = [];
  readonly #constants: TensorProto[] = [];
  readonly #inputs: ValueInfoProto[] = [];
  readonly #outputs: ValueInfoProto[] = [];
  /** The results of the nodes, and the constants, by the bytes that define them. */
  readonly #values = new Map<string, GraphValue>();

  constructor(name: string, prefix = "") {
    this.#name = name;
    this.#prefix = prefix;
  }

  /** Declares an input of the model, shape [N]. */
  addInput(name: string, type: "float" | "string"): GraphValue {
    const value: GraphValue = { name, type, rank: 1 };
    this.#inputs.push(toValueInfo(value));
    return value;
  }

  /** Declares a value as an output of the model: shape [N], or [N, F] for a matrix. */
  addOutput(value: GraphValue, name: string): void {
    const lastNode = this.#nodes.at(-1);
    if (lastNode?.output[0] === value.name) {
      // No node uses the result of the last node yet, so it can take the name of the output.
      lastNode.output = [name];
      this.#values.clear();
    } else {
      this.#nodes.push(create(NodeProtoSchema, { opType: "Identity", input: [value.name], output: [name] }));
    }
    this.#outputs.push(toValueInfo({ ...value, name }));
  }

  /**
   * Adds a node with one result, unless an equal node exists: then the result is that node's. A null input
   * leaves an optional input of the operator empty.
   */
  addNode(
    operator: string,
    inputs: readonly (GraphValue | null)[],
    attributes: Attributes = {},
    { domain = "", type, rank }: NodeOptions = {},
  ): GraphValue {
    const presentInputs = inputs.filter((input) => input !== null);
    const node = create(NodeProtoSchema, {
      opType: operator,
      domain,
      input: inputs.map((input) => input?.name ?? ""),
      attribute: encodeAttributes(attributes),
    });
    return this.#reuse(toBinary(NodeProtoSchema, node), () => {
      const name = `${this.#prefix}${operator}_${this.#nodes.length}`;
      node.output = [name];
      this.#nodes.push(node);
      return {
        name,
        type: type ?? presentInputs[0]?.type ?? "float",
        rank: rank ?? Math.max(0, ...presentInputs.map((input) => input.rank)),
      };
    });
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
  /** Limits a value to a range. NaN stays NaN. */
  clip = (value: GraphValue, min: GraphValue, max: GraphValue): GraphValue =>
    this.addNode("Clip", [value, min, max]);

  isNaN = (value: GraphValue): GraphValue => this.addNode("IsNaN", [value], {}, { type: "bool" });
  /** Takes the element of `whenTrue` if the condition is true, otherwise the element of `whenFalse`. */
  where = (condition: GraphValue, whenTrue: GraphValue, whenFalse: GraphValue): GraphValue =>
    this.addNode("Where", [condition, whenTrue, whenFalse], {}, { type: whenTrue.type });

  /**
   * Computes only one of two branches. The condition is a scalar. A branch is a graph that can also use the
   * values of this graph. Both branches must return values of the same type and rank.
   */
  if(
    condition: GraphValue,
    whenTrue: (branch: Graph) => GraphValue,
    whenFalse: (branch: Graph) => GraphValue,
  ): GraphValue {
    const buildBranch = (name: string, addNodes: (branch: Graph) => GraphValue) => {
      const branch = new Graph(name, `${this.#prefix}${name}_${this.#nodes.length}_`);
      const value = addNodes(branch);
      branch.addOutput(value, `${branch.#prefix}result`);
      return { value, proto: branch.#toProto() };
    };
    const [then, otherwise] = [buildBranch("then", whenTrue), buildBranch("else", whenFalse)];
    const { type, rank } = then.value;
    const branches = { then_branch: then.proto, else_branch: otherwise.proto };
    return this.addNode("If", [condition], branches, { type, rank });
  }

  /** Returns the value itself if it has the type already. */
  cast(value: GraphValue, type: ElementType): GraphValue {
    if (value.type === type) return value;
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

  /** Puts F columns, each [N], side by side: [N, F]. Three nodes are less than one Unsqueeze a column. */
  stack(columns: readonly GraphValue[]): GraphValue {
    const shape = this.int64Constant([columns.length, -1]);
    const rows = this.addNode("Reshape", [this.concat(columns, 0), shape], {}, { rank: 2 });
    return this.addNode("Transpose", [rows]);
  }

  /** Adds all elements: a scalar. */
  reduceSum(value: GraphValue): GraphValue {
    return this.addNode("ReduceSum", [value], { keepdims: 0 }, { rank: 0 });
  }

  /**
   * Multiplies two matrices. A vector is not allowed: onnxruntime 1.30 computes a wrong product of a
   * transposed matrix and a vector.
   */
  matMul(a: GraphValue, b: GraphValue): GraphValue {
    if (a.rank !== 2 || b.rank !== 2) throw new RangeError("matMul needs two matrices");
    return this.addNode("MatMul", [a, b]);
  }

  /** Serializes the model to the bytes of an ONNX file. */
  toBytes(): Uint8Array {
    const model = create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      opsetImport: OPSETS,
      producerName: "facet",
      graph: this.#toProto(),
    });
    return toBinary(ModelProtoSchema, model);
  }

  #toProto(): GraphProto {
    const used = new Set(this.#outputs.map(({ name }) => name));
    const nodes: NodeProto[] = [];
    // From the last node to the first, because a node can only be used by later nodes.
    for (const node of this.#nodes.toReversed()) {
      if (!node.output.some((name) => used.has(name))) continue;
      nodes.unshift(node);
      for (const name of listUsedNames(node)) used.add(name);
    }
    return create(GraphProtoSchema, {
      name: this.#name,
      node: nodes,
      initializer: this.#constants.filter(({ name }) => used.has(name)),
      input: this.#inputs,
      output: this.#outputs,
    });
  }

  #addConstant(
    type: ElementType,
    createTensor: (values: Iterable<number>, shape: readonly number[]) => TensorProto,
    values: number | Iterable<number>,
    shape?: readonly number[],
  ): GraphValue {
    const list = typeof values === "number" ? [values] : Array.from(values);
    const dimensions = shape ?? (typeof values === "number" ? [] : [list.length]);
    const tensor = createTensor(list, dimensions);
    return this.#reuse(toBinary(TensorProtoSchema, tensor), () => {
      const name = `${this.#prefix}constant_${this.#constants.length}`;
      tensor.name = name;
      this.#constants.push(tensor);
      return { name, type, rank: dimensions.length };
    });
  }

  /** Returns the value with this definition. It is added if it does not exist yet. */
  #reuse(definition: Uint8Array, add: () => GraphValue): GraphValue {
    const key = Buffer.from(definition).toString("latin1");
    const value = this.#values.get(key) ?? add();
    this.#values.set(key, value);
    return value;
  }
}

/** Lists the values that a node uses, including those that its branches use. */
function listUsedNames({ input, attribute }: NodeProto): string[] {
  const branches = attribute.flatMap(({ g }) => (g ? [g] : []));
  return [...input, ...branches.flatMap(({ node }) => node.flatMap(listUsedNames))];
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
