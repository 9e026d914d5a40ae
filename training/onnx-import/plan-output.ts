import { formatShape, type Port } from "../onnx-file/ports.ts";

const NUMBER_TYPE = /^(float|u?int)\d+$/;
/** Names that converters and programmers give to the prediction of a regression, besides `price`. */
const KNOWN_NAMES = ["price", "variable", "predictions", "prediction", "target"];

/**
 * Finds the output that is the price.
 * @param faults gets a sentence if there is none, or if it cannot be decided which one it is
 */
export function planOutput(ports: readonly Port[], faults: string[]): Port | null {
  const [only] = ports;
  if (ports.length === 1 && only !== undefined) {
    const fault = describeWrongOutput(only);
    if (fault !== null) faults.push(fault);
    return fault === null ? only : null;
  }
  const candidates = ports.filter((port) => describeWrongOutput(port) === null);
  const known = KNOWN_NAMES.flatMap((name) => candidates.filter((port) => port.name === name));
  const chosen = known[0] ?? (candidates.length === 1 ? candidates[0] : undefined);
  if (chosen !== undefined && !isClassifier(ports)) return chosen;
  const list = ports.map(({ name, type, shape }) => `${name} (${type} ${formatShape(shape)})`).join(", ");
  faults.push(
    isClassifier(ports)
      ? `the outputs of the model are ${list}: it is a classifier; export a regression model that predicts the price`
      : `the model has no output price; its outputs are ${list}: keep one output, or name the one with the price price`,
  );
  return null;
}

function describeWrongOutput({ name, type, shape }: Port): string | null {
  if (!NUMBER_TYPE.test(type)) return `the output ${name} must be float32 or float64, but is ${type}`;
  const [, width] = shape ?? [];
  if (shape !== undefined && (shape.length === 0 || shape.length > 2 || (width != null && width !== 1)))
    return `the output ${name} must have the shape [N] or [N, 1], but has ${formatShape(shape)}`;
  return null;
}

/** Converters write a label and a probability of each class. */
function isClassifier(ports: readonly Port[]): boolean {
  return ports.some(
    ({ name, type }) => /label/i.test(name) || (type === "not a tensor" && /prob/i.test(name)),
  );
}
