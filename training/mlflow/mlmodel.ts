import { stringify } from "yaml";
import { sha256 } from "../../cloudflare/r2.ts";
import type { ModelRecord } from "../../src/domain/models/model-record.ts";
import { formatVersion } from "../../src/domain/models/model-reference.ts";
import type { Port } from "../onnx-file/ports.ts";
import { PYTHON_PACKAGES, PYTHON_VERSION } from "./python-packages.ts";

/** The inputs and outputs that an ONNX file declares. */
export interface Ports {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
}

/**
 * Builds the text of `MLmodel`, the file by which MLflow knows a model: it is loaded with the flavours `onnx` and
 * `python_function`. The same version always has the same text.
 * @param modelSizeBytes size of the other files of the folder
 */
export function formatMlModel(record: ModelRecord, ports: Ports, modelSizeBytes: number): string {
  const { metrics } = record;
  const model = {
    flavors: {
      onnx: {
        code: null,
        data: "model.onnx",
        // Several threads add up the trees in another order. With one, the prices are those of the API.
        onnx_session_options: { intra_op_num_threads: 1 },
        onnx_version: PYTHON_PACKAGES.onnx,
        providers: ["CPUExecutionProvider"],
      },
      python_function: {
        data: "model.onnx",
        env: { conda: "conda.yaml", virtualenv: "python_env.yaml" },
        loader_module: "mlflow.onnx",
        python_version: PYTHON_VERSION,
      },
    },
    is_signature_from_type_hint: false,
    metadata: {
      model: formatVersion(record),
      sha256: record.sha256,
      dataset: record.dataset,
      facet_version: record.facetVersion,
      currency: "USD",
      test: { mae: metrics.mae, mape: metrics.mape, r2: metrics.r2, within10: metrics.within10 },
    },
    mlflow_version: PYTHON_PACKAGES.mlflow,
    model_id: null,
    model_size_bytes: modelSizeBytes,
    model_uuid: createUuid(record),
    prompts: null,
    saved_input_example_info: {
      artifact_path: "input_example.json",
      serving_input_path: "serving_input_example.json",
      type: "ndarray",
    },
    signature: {
      inputs: JSON.stringify(ports.inputs.map(toTensorSpec)),
      outputs: JSON.stringify(ports.outputs.map(toTensorSpec)),
      params: null,
    },
    type_hint_from_example: false,
    utc_time_created: record.createdAt.replace("T", " ").replace("Z", ""),
  };
  // MLflow reads YAML 1.1, in which a time without quotes is not a text.
  return stringify(model, { version: "1.1" });
}

/** MLflow's name of a string tensor is that of NumPy. It converts the columns of a data frame to these types. */
function toTensorSpec({ name, type, shape }: Port) {
  const dtype = type === "string" ? "object" : type;
  const sizes = (shape ?? [null]).map((size) => size ?? -1);
  return { name, type: "tensor", "tensor-spec": { dtype, shape: sizes } };
}

function createUuid(record: ModelRecord): string {
  const text = `${formatVersion(record)} ${record.sha256} ${record.createdAt}`;
  return sha256(new TextEncoder().encode(text)).slice(0, 32);
}
