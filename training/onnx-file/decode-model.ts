import { fromBinary } from "@bufbuild/protobuf";
import {
  type GraphProto,
  type ModelProto,
  ModelProtoSchema,
  type NodeProto,
  type TensorProto,
} from "onnx-buf";

/** Decodes an ONNX file; null if it is none, or if its subgraphs are nested too deeply to be decoded. */
export function decodeModel(bytes: Uint8Array): ModelProto | null {
  try {
    const model = fromBinary(ModelProtoSchema, bytes);
    return model.graph !== undefined && model.graph.node.length > 0 ? model : null;
  } catch {
    return null;
  }
}

/** Lists a graph and all graphs in the attributes of its nodes. */
export function listGraphs(graph: GraphProto): GraphProto[] {
  return [graph, ...graph.node.flatMap(listSubgraphs).flatMap(listGraphs)];
}

function listSubgraphs({ attribute }: NodeProto): GraphProto[] {
  return attribute.flatMap(({ g, graphs }) => (g ? [g, ...graphs] : graphs));
}

/** Lists the constant tensors of a graph, including those in attributes and subgraphs. */
export function listTensors(graph: GraphProto): TensorProto[] {
  return listGraphs(graph).flatMap(({ initializer, node }) => [
    ...initializer,
    ...node.flatMap(({ attribute }) =>
      attribute.flatMap(({ t, tensors }) => (t ? [t, ...tensors] : tensors)),
    ),
  ]);
}
