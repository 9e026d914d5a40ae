/** The Python packages that an exported model needs, in the forms in which MLflow keeps them with a model. */
import { stringify } from "yaml";

export const PYTHON_VERSION = "3.11.7";
/** The versions that `npm run bench -- mlflow` has tried together. */
export const PYTHON_PACKAGES = {
  mlflow: "3.17.2",
  numpy: "2.4.6",
  onnx: "1.23.2",
  onnxruntime: "1.32.0",
  pandas: "3.1.1",
} as const;

const REQUIREMENTS = Object.entries(PYTHON_PACKAGES).map(([name, version]) => `${name}==${version}`);

/** The text of `requirements.txt`. */
export function formatRequirements(): string {
  return `${REQUIREMENTS.join("\n")}\n`;
}

/** The text of `conda.yaml`. */
export function formatCondaEnvironment(): string {
  return stringify({
    channels: ["conda-forge"],
    dependencies: [`python=${PYTHON_VERSION}`, "pip", { pip: REQUIREMENTS }],
    name: "mlflow-env",
  });
}

/** The text of `python_env.yaml`. */
export function formatPythonEnvironment(): string {
  return stringify({
    python: PYTHON_VERSION,
    build_dependencies: ["pip", "setuptools", "wheel"],
    dependencies: ["-r requirements.txt"],
  });
}
