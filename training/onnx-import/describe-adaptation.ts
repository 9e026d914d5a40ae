import { formatShape, type Port } from "../onnx-file/ports.ts";
import { formatSource, type InputSource } from "./input-source.ts";
import type { InputPlan } from "./plan-inputs.ts";
import type { Target } from "./target.ts";

/** Says what is put around a model, a sentence each. */
export function describeAdaptation(inputs: readonly InputPlan[], output: Port, target: Target): string[] {
  const columns = inputs.filter(({ sources }) => sources.length === 1);
  const renamed = columns.filter(({ port, sources }) => port.name !== formatSource(sources[0]!));
  const converted = new Map<string, string[]>();
  for (const { port } of columns) {
    const form = `${port.type} ${formatShape(port.shape)}`;
    if (form === "float32 [N]" || form === "string [N]") continue;
    converted.set(form, [...(converted.get(form) ?? []), port.name]);
  }
  return [
    ...inputs
      .filter(({ sources }) => sources.length > 1)
      .map(
        ({ port, sources }) =>
          `the input ${port.name} takes ${sources.map(formatSource).join(", ")} in this order`,
      ),
    ...renamed.map(({ port, sources }) => `the input ${port.name} takes ${formatSource(sources[0]!)}`),
    ...Array.from(converted, ([form, names]) => `${names.join(", ")}: given as ${form}`),
    ...inputs.flatMap(({ sources }) => sources.flatMap(describeCodes)),
    ...describeOutput(output, target),
  ];
}

function describeCodes(source: InputSource): string[] {
  if (source.kind !== "code") return [];
  const grades = [...source.codes].sort(([, a], [, b]) => a - b).map(([grade, code]) => `${code} ${grade}`);
  return [`the codes of ${source.column} are ${grades.join(", ")}`];
}

function describeOutput({ name, type, shape }: Port, target: Target): string[] {
  const form = `${type} ${formatShape(shape)}`;
  if (name === "price" && target === "price" && form === "float32 [N]") return [];
  return [`the output ${name} (${form}) is the ${target}`];
}
