import { clone, fromBinary, toBinary } from "@bufbuild/protobuf";
import { type GraphProto, type ModelProto, ModelProtoSchema } from "onnx-buf";
import { GRADES, MEASUREMENTS } from "../../src/domain/diamond.ts";
import { addCompletedFeatures, type CompletionConstants } from "../models/completion.ts";
import { addPriceLimits } from "../models/price-graph.ts";
import { Graph, type GraphValue } from "../onnx/graph.ts";
import { addStoneInputs, type StoneValues } from "../onnx/stone-inputs.ts";
import { ELEMENT_TYPES, type Port } from "../onnx-file/ports.ts";
import type { InputSource } from "./input-source.ts";
import type { InputPlan } from "./plan-inputs.ts";
import { prefixNames } from "./prefix-names.ts";
import { addPriceOfTarget, type Target } from "./target.ts";

/** What is put around a model so that it becomes a price model. */
export interface Adaptation {
  readonly inputs: readonly InputPlan[];
  readonly output: Port;
  readonly target: Target;
  /** For missing measurements; null if the model handles them itself. */
  readonly completion: CompletionConstants | null;
}

/** Starts the names of the imported model's values. */
export const MODEL_PREFIX = "model/";
/** The lowest IR version in which constants need not be inputs, and with which all runtimes load the file. */
const MIN_IR_VERSION = 8n;

/**
 * Puts nodes around a model: from the columns of a stone to the model's inputs, and from its output to `price`.
 * The model's own nodes stay as they are.
 * @param model with operator sets that {@link raiseOpsets} has raised
 */
export function wrapModel(model: ModelProto, adaptation: Adaptation): Uint8Array {
  const wrapped = clone(ModelProtoSchema, model);
  const graph = wrapped.graph!;
  prefixNames(graph, MODEL_PREFIX);
  const before = buildInputs(adaptation);
  const after = buildPrice(adaptation);
  graph.node = [...before.node, ...graph.node, ...after.node];
  graph.initializer = [...before.initializer, ...graph.initializer, ...after.initializer];
  graph.input = before.input;
  graph.output = after.output;
  if (wrapped.irVersion < MIN_IR_VERSION) wrapped.irVersion = MIN_IR_VERSION;
  wrapped.trainingInfo = [];
  return toBinary(ModelProtoSchema, wrapped);
}

/** Computes the model's inputs from the columns of a stone. */
function buildInputs({ inputs, completion }: Adaptation): GraphProto {
  const graph = new Graph("inputs", "inputs/");
  const given = addStoneInputs(graph);
  const stone = completion === null ? given : completeStone(graph, given, completion);
  for (const { port, sources } of inputs)
    graph.addOutput(addInput(graph, stone, port, sources), `${MODEL_PREFIX}${port.name}`);
  return decodeGraph(graph);
}

function completeStone(graph: Graph, stone: StoneValues, constants: CompletionConstants): StoneValues {
  const completed = addCompletedFeatures(graph, stone, constants, {
    addFeatures: (branch, values) => branch.stack(MEASUREMENTS.map((name) => values[name])),
  });
  const columns = MEASUREMENTS.map((name, i) => {
    const column = graph.addNode("Gather", [completed, graph.int64Constant(i)], { axis: 1 }, { rank: 1 });
    return [name, column] as const;
  });
  return { ...stone, ...Object.fromEntries(columns) };
}

function addInput(graph: Graph, stone: StoneValues, port: Port, sources: readonly InputSource[]): GraphValue {
  const columns = sources.map((source) => addSource(graph, stone, source));
  const isColumn = port.shape === undefined ? sources.length === 1 : port.shape.length === 1;
  const values = isColumn ? columns[0]! : stackColumns(graph, columns);
  if (port.type === "string" || port.type === "float32") return values;
  // Not rounded to decimals: scikit-learn's trees also compare float32, whatever they are given.
  return graph.addNode("Cast", [values], { to: ELEMENT_TYPES[port.type]! });
}

function addSource(graph: Graph, stone: StoneValues, source: InputSource): GraphValue {
  const value = stone[source.column];
  switch (source.kind) {
    case "number":
    case "text":
      return value;
    case "code":
      return graph.encodeLabels(value, source.codes);
    case "indicator":
      return graph.encodeLabels(
        value,
        new Map(GRADES[source.column].map((grade) => [grade, grade === source.grade ? 1 : 0])),
      );
  }
}

/** Puts columns side by side: [N, F]. */
function stackColumns(graph: Graph, columns: readonly GraphValue[]): GraphValue {
  if (columns.length > 1) return graph.stack(columns);
  return graph.addNode("Reshape", [columns[0]!, graph.int64Constant([-1, 1])], {}, { rank: 2 });
}

/** Computes the price from the model's output. */
function buildPrice({ output, target }: Adaptation): GraphProto {
  const graph = new Graph("price", "price/");
  const predicted: GraphValue = { name: `${MODEL_PREFIX}${output.name}`, type: "double", rank: 2 };
  const flat = graph.addNode("Reshape", [predicted, graph.int64Constant([-1])], {}, { rank: 1 });
  // Some converters declare another type than the model has. The cast does nothing to float32.
  const prediction = graph.cast(flat, "float");
  // The input of the whole graph, see buildInputs.
  const carat: GraphValue = { name: "carat", type: "float", rank: 1 };
  graph.addOutput(addPriceLimits(graph, addPriceOfTarget(graph, prediction, target, carat)), "price");
  return decodeGraph(graph);
}

function decodeGraph(graph: Graph): GraphProto {
  return fromBinary(ModelProtoSchema, graph.toBytes()).graph!;
}
