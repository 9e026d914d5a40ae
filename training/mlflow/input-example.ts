import { EXAMPLE_STONE, GRADE_COLUMNS, NUMBER_COLUMNS, type Stone } from "../../src/domain/diamond.ts";

const { carat, cut, color, clarity } = EXAMPLE_STONE;
/** A stone with all measurements, and the same one without those that the model completes. */
const STONES: readonly Stone[] = [EXAMPLE_STONE, { carat, cut, color, clarity }];

/** The columns of two stones. A missing measurement is null, which MLflow reads as NaN. */
function buildColumns(): Readonly<Record<string, readonly unknown[]>> {
  const names = [...NUMBER_COLUMNS, ...GRADE_COLUMNS];
  return Object.fromEntries(names.map((name) => [name, STONES.map((stone) => stone[name] ?? null)]));
}

/** The text of `input_example.json`: what `predict` takes. */
export function formatInputExample(): string {
  return JSON.stringify(buildColumns());
}

/** The text of `serving_input_example.json`: a body for `mlflow models serve`. */
export function formatServingExample(): string {
  return JSON.stringify({ inputs: buildColumns() }, null, 2);
}
