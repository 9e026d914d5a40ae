import { type ModelProto, type TensorProto, TensorProto_DataLocation } from "onnx-buf";
import { listTensors } from "./decode-model.ts";
import { findVersionFaults } from "./versions.ts";

/** The most values that a constant can have in a model that is small enough to be served. */
const MAX_TENSOR_VALUES = 1e8;

/** Lists what the runtime would not load or would suffer from, a sentence each. */
export function findModelFaults(model: ModelProto): string[] {
  const faults = findVersionFaults(model);
  const tensors = model.graph === undefined ? [] : listTensors(model.graph);
  const external = tensors.find(({ dataLocation }) => dataLocation === TensorProto_DataLocation.EXTERNAL);
  if (external) {
    const file = external.externalData.find(({ key }) => key === "location")?.value ?? "another file";
    faults.push(`the model stores its tensor ${external.name} in ${file}; save the model as a single file`);
  }
  const claimed = tensors.find((tensor) => countValues(tensor) > MAX_TENSOR_VALUES);
  if (claimed)
    faults.push(
      `the tensor ${claimed.name} has the shape [${claimed.dims.join(", ")}], which is too large to serve`,
    );
  return faults;
}

function countValues({ dims }: TensorProto): number {
  return dims.reduce((product, size) => product * Number(size), 1);
}
