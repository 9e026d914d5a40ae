import { UserError } from "../../cloudflare/user-error.ts";
import type { ModelRecord } from "../../src/domain/models/model-record.ts";
import { formatVersion } from "../../src/domain/models/model-reference.ts";
import { decodeModel } from "../onnx-file/decode-model.ts";
import { listInputs, listOutputs } from "../onnx-file/ports.ts";
import { formatInputExample, formatServingExample } from "./input-example.ts";
import { formatMlModel, type Ports } from "./mlmodel.ts";
import { formatPredictScript } from "./predict-script.ts";
import { formatCondaEnvironment, formatPythonEnvironment, formatRequirements } from "./python-packages.ts";

/** The file by which a folder is known as a model of MLflow. */
export const MLMODEL_FILE = "MLmodel";
/** All files that an export can have. */
export const EXPORT_FILES: readonly string[] = [
  "model.onnx",
  "model-card.html",
  "metadata.json",
  "predict.py",
  "requirements.txt",
  "conda.yaml",
  "python_env.yaml",
  "input_example.json",
  "serving_input_example.json",
  MLMODEL_FILE,
];

/**
 * Builds the files of a folder that MLflow loads as a model, and that prices stones without MLflow too.
 * @param model the ONNX file, which is exported byte for byte
 * @param modelCard null if the version has none
 * @returns content by file name
 * @throws UserError if the file is no ONNX model
 */
export function buildExportFiles(
  record: ModelRecord,
  model: Uint8Array,
  modelCard: Uint8Array | null,
): ReadonlyMap<string, Uint8Array> {
  const version = formatVersion(record);
  const ports = readPorts(version, model);
  const encoder = new TextEncoder();
  const files = new Map<string, Uint8Array>([["model.onnx", model]]);
  if (modelCard !== null) files.set("model-card.html", modelCard);
  const texts = {
    "metadata.json": `${JSON.stringify(record, null, 2)}\n`,
    "predict.py": formatPredictScript(version),
    "requirements.txt": formatRequirements(),
    "conda.yaml": formatCondaEnvironment(),
    "python_env.yaml": formatPythonEnvironment(),
    "input_example.json": formatInputExample(),
    "serving_input_example.json": formatServingExample(),
  };
  for (const [name, text] of Object.entries(texts)) files.set(name, encoder.encode(text));
  const totalBytes = files.values().reduce((sum, { length }) => sum + length, 0);
  return files.set(MLMODEL_FILE, encoder.encode(formatMlModel(record, ports, totalBytes)));
}

function readPorts(version: string, bytes: Uint8Array): Ports {
  const graph = decodeModel(bytes)?.graph;
  if (graph === undefined) throw new UserError(`the file of ${version} is not an ONNX model`);
  return { inputs: listInputs(graph), outputs: listOutputs(graph) };
}
