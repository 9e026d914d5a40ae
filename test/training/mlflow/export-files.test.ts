import { homedir } from "node:os";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { REPOSITORY_ROOT } from "../../../cloudflare/wrangler.ts";
import { GRADES } from "../../../src/domain/diamond.ts";
import type { ModelRecord } from "../../../src/domain/models/model-record.ts";
import { buildExportFiles, EXPORT_FILES } from "../../../training/mlflow/export-files.ts";
import { Graph } from "../../../training/onnx/graph.ts";
import { type LoadedModel, loadModel, type ModelPort } from "../../../training/onnx/runtime.ts";
import { addStoneInputs } from "../../../training/onnx/stone-inputs.ts";

/** A model whose price depends on a measurement and a grade. */
function createModel(): Uint8Array {
  const graph = new Graph("example");
  const { carat, x, cut } = addStoneInputs(graph);
  const isIdeal = graph.addNode(
    "LabelEncoder",
    [cut],
    { keys_strings: ["Ideal"], values_floats: [100], default_float: 50 },
    { domain: "ai.onnx.ml", type: "float" },
  );
  const missing = graph.cast(graph.isNaN(x), "float");
  graph.addOutput(
    graph.add(graph.add(graph.mul(carat, graph.floatConstant(1000)), isIdeal), missing),
    "price",
  );
  return graph.toBytes();
}

const MODEL = createModel();
const figures = { mae: 241.8, rmse: 504.6, r2: 0.98, mape: 0.054, medianApe: 0.03, within10: 0.85, rows: 9 };
/** A record with values that YAML would read as a number or a time if they had no quotes. */
const record = {
  name: "example",
  version: 3,
  createdAt: "2026-12-01T06:59:19.377Z",
  metrics: { ...figures, bands: {} },
  sha256: "1".repeat(64),
  dataset: "2".repeat(64),
  facetVersion: "0.1",
  runBy: "local",
} as unknown as ModelRecord;
const CARD = new TextEncoder().encode("<!doctype html>");

const files = buildExportFiles(record, MODEL, CARD);
const readText = (name: string) => new TextDecoder().decode(files.get(name));
/** MLflow's parser reads YAML 1.1. */
const readYaml = (name: string) => parse(readText(name), { version: "1.1" });

let loaded: LoadedModel;
beforeAll(async () => {
  loaded = await loadModel(MODEL);
});
afterAll(() => loaded.release());

/** What the ONNX runtime says about the model, in MLflow's words. */
const toTensorSpec = ({ name, type, shape }: ModelPort) => ({
  name,
  type: "tensor",
  "tensor-spec": {
    dtype: type === "string" ? "object" : type,
    shape: shape?.map((size) => (typeof size === "number" ? size : -1)),
  },
});

test("an export has the model and the card byte for byte, and the record", () => {
  expect(files.get("model.onnx")).toEqual(MODEL);
  expect(files.get("model-card.html")).toEqual(CARD);
  expect(JSON.parse(readText("metadata.json"))).toEqual(record);
  expect([...files.keys()].toSorted()).toEqual(EXPORT_FILES.toSorted());
  expect([...buildExportFiles(record, MODEL, null).keys()]).not.toContain("model-card.html");
});

test("the same version gives the same bytes", () => {
  expect(buildExportFiles(record, MODEL, CARD)).toEqual(files);
});

test("a file that is no model is refused", () => {
  expect(() => buildExportFiles(record, CARD, null)).toThrow("the file of example@3 is not an ONNX model");
});

test("no text names a folder of this machine", () => {
  for (const [name, bytes] of files) {
    const text = new TextDecoder().decode(bytes);
    for (const path of [REPOSITORY_ROOT, homedir()]) expect(text, name).not.toContain(path);
  }
});

describe("MLmodel", () => {
  const mlModel = readYaml("MLmodel");

  test("names the files of the folder", () => {
    const { onnx, python_function } = mlModel.flavors;
    const named = [onnx.data, python_function.data, ...Object.values(python_function.env)];
    const { artifact_path, serving_input_path } = mlModel.saved_input_example_info;
    for (const name of [...named, artifact_path, serving_input_path])
      expect([...files.keys()]).toContain(name);
    const sizes = [...files].filter(([name]) => name !== "MLmodel").map(([, { length }]) => length);
    expect(mlModel.model_size_bytes).toBe(sizes.reduce((sum, size) => sum + size));
  });

  test("has the inputs and outputs that the ONNX runtime sees", () => {
    expect(JSON.parse(mlModel.signature.inputs)).toEqual(loaded.inputs.map(toTensorSpec));
    expect(JSON.parse(mlModel.signature.outputs)).toEqual(loaded.outputs.map(toTensorSpec));
    expect(loaded.inputs.map(({ name }) => name)).toHaveLength(9);
  });

  test("is run with one thread, which adds up trees in the order of the API", () => {
    expect(mlModel.flavors.onnx.onnx_session_options).toEqual({ intra_op_num_threads: 1 });
  });

  test("says which version it is, in texts", () => {
    expect(mlModel.metadata).toEqual({
      model: "example@3",
      sha256: "1".repeat(64),
      dataset: "2".repeat(64),
      facet_version: "0.1",
      currency: "USD",
      test: { mae: 241.8, mape: 0.054, r2: 0.98, within10: 0.85 },
    });
    expect(mlModel.utc_time_created).toBe("2026-12-01 06:59:19.377");
    expect(mlModel.model_uuid).toMatch(/^[0-9a-f]{32}$/);
  });
});

test("all environments pin the same versions, of which MLmodel names two", () => {
  const requirements = readText("requirements.txt").trim().split("\n");
  for (const requirement of requirements) expect(requirement).toMatch(/^[a-z]+==\d+\.\d+\.\d+$/);
  const { dependencies } = readYaml("conda.yaml");
  expect(dependencies.at(-1)).toEqual({ pip: requirements });
  const { flavors, mlflow_version } = readYaml("MLmodel");
  expect(requirements).toContain(`mlflow==${mlflow_version}`);
  expect(requirements).toContain(`onnx==${flavors.onnx.onnx_version}`);
  const { python } = readYaml("python_env.yaml");
  expect(dependencies[0]).toBe(`python=${python}`);
  expect(flavors.python_function.python_version).toBe(python);
});

test("the model prices the stones of the input example, one of them without measurements", async () => {
  const example = JSON.parse(readText("input_example.json")) as Record<string, (number | string | null)[]>;
  expect(JSON.parse(readText("serving_input_example.json"))).toEqual({ inputs: example });
  const inputs = Object.fromEntries(
    loaded.inputs.map(({ name, type }) => {
      const values = example[name] ?? [];
      return [
        name,
        type === "string"
          ? values.map(String)
          : Float32Array.from(values, (one) => Number(one ?? Number.NaN)),
      ];
    }),
  );
  expect((await loaded.run(inputs)).price?.data).toEqual(Float32Array.of(1200, 1201));
});

test("predict.py knows all grades", () => {
  const script = readText("predict.py");
  expect(script).toContain("Prices stones with example@3");
  for (const grade of Object.values(GRADES).flat()) expect(script).toContain(`"${grade}"`);
});
