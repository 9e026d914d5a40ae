/** Small models for the tests of the import. */
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { type ModelProto, ModelProtoSchema, type TensorShapeProto_Dimension } from "onnx-buf";
import { Graph, type GraphValue } from "../../../training/onnx/graph.ts";
import { addStoneInputs } from "../../../training/onnx/stone-inputs.ts";
import { decodeModel } from "../../../training/onnx-file/decode-model.ts";
import {
  type AdaptationOptions,
  type AdaptedModel,
  adaptModel,
} from "../../../training/onnx-import/adapt-model.ts";

/** Creates a price model: 4,000 dollars a carat. */
export function createPriceModel(change: (model: ModelProto) => void = () => {}): Uint8Array {
  const graph = new Graph("test");
  const { carat } = addStoneInputs(graph);
  graph.addOutput(graph.mul(carat, graph.floatConstant(4000)), "price");
  return edit(graph.toBytes(), change);
}

/** Creates a model of its only input. */
export function createModel(
  name: string,
  addPrice: (graph: Graph, input: GraphValue) => GraphValue,
  change: (model: ModelProto) => void = () => {},
  output = "variable",
): Uint8Array {
  const graph = new Graph("test");
  graph.addOutput(addPrice(graph, graph.addInput(name, "float")), output);
  return edit(graph.toBytes(), change);
}

export function edit(bytes: Uint8Array, change: (model: ModelProto) => void): Uint8Array {
  const model = fromBinary(ModelProtoSchema, bytes);
  change(model);
  return toBinary(ModelProtoSchema, model);
}

/** Declares another type and shape; null is a free size without a name. */
export function declare(
  model: ModelProto,
  name: string,
  elemType: number,
  shape: readonly (number | null)[],
): void {
  const { input, output } = model.graph!;
  const type = [...input, ...output].find((port) => port.name === name)!.type!.value;
  if (type.case !== "tensorType") throw new Error(`${name} is not a tensor`);
  const [first] = type.value.shape!.dim;
  type.value.elemType = elemType;
  type.value.shape!.dim = shape.map(
    (size): TensorShapeProto_Dimension => ({
      ...first!,
      value: size === null ? { case: undefined } : { case: "dimValue", value: BigInt(size) },
    }),
  );
}

export function adapt(bytes: Uint8Array, options: Partial<AdaptationOptions> = {}): AdaptedModel {
  return adaptModel(bytes, decodeModel(bytes)!, {
    target: "price",
    inputs: null,
    categories: {},
    ...options,
  });
}
