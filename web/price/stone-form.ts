import {
  type CLARITIES,
  type COLORS,
  type CUTS,
  EXAMPLE_STONE,
  GRADE_COLUMNS,
  GRADES,
  MEASUREMENTS,
  STONE_COLUMNS,
} from "../../src/domain/diamond.ts";
import type { Schemas } from "../api/client.ts";

/** The texts of the controls, as typed. A text that is empty or absent is left to the model. */
export type StoneForm = Readonly<Record<(typeof STONE_COLUMNS)[number] | "asking" | "coverage", string>>;
export type FieldName = keyof StoneForm;

/** A control of the form, as people in the trade name it. */
export const LABELS: Readonly<Record<FieldName, string>> = {
  carat: "Weight",
  cut: "Cut",
  color: "Colour",
  clarity: "Clarity",
  depth: "Depth",
  table: "Table",
  x: "Length",
  y: "Width",
  z: "Height",
  asking: "Asking price",
  coverage: "Coverage",
};

export const COVERAGES = ["0.8", "0.9", "0.95"] as const;

const FIELDS = [...STONE_COLUMNS, "asking", "coverage"] as const;
const EMPTY = Object.fromEntries(FIELDS.map((name) => [name, ""])) as StoneForm;
const DEFAULTS: StoneForm = {
  ...EMPTY,
  carat: String(EXAMPLE_STONE.carat),
  cut: EXAMPLE_STONE.cut,
  color: EXAMPLE_STONE.color,
  clarity: EXAMPLE_STONE.clarity,
  coverage: "0.9",
};

/** Reads a form from the query of a link. Values that the controls do not have are replaced by the example's. */
export function readForm(search: string): StoneForm {
  const query = new URLSearchParams(search);
  const form: Record<FieldName, string> = { ...DEFAULTS };
  for (const name of FIELDS) {
    const text = query.get(name);
    if (text !== null && isAllowed(name, text)) form[name] = text.slice(0, 20);
  }
  return form;
}

function isAllowed(name: FieldName, text: string): boolean {
  if (name === "coverage") return (COVERAGES as readonly string[]).includes(text);
  const grade = GRADE_COLUMNS.find((column) => column === name);
  return grade === undefined || (GRADES[grade] as readonly string[]).includes(text);
}

/** Writes the query of a link that opens the same form. */
export function toQuery(form: StoneForm): string {
  return new URLSearchParams(
    FIELDS.flatMap((name) => (form[name] === "" ? [] : [[name, form[name]]])),
  ).toString();
}

/** Number texts may have a decimal comma. A text that is no number becomes NaN, which {@link findErrors} reports. */
export function parseNumber(text: string): number {
  return text.trim() === "" ? Number.NaN : Number(text.trim().replace(",", "."));
}

/** Finds texts that are no numbers. The API checks everything else. */
export function findErrors(form: StoneForm): Partial<Record<FieldName, string>> {
  const errors: Partial<Record<FieldName, string>> = {};
  if (form.carat.trim() === "") errors.carat = "Enter the weight in carats, such as 0.7.";
  for (const name of ["carat", ...MEASUREMENTS, "asking"] as const)
    if (form[name].trim() !== "" && Number.isNaN(parseNumber(form[name])))
      errors[name] =
        `${LABELS[name]} must be a number, such as ${name === "asking" ? "4200" : EXAMPLE_STONE[name]}.`;
  return errors;
}

/** The stone of a form without errors, as the API takes it. */
export function toStone(form: StoneForm): Schemas["Stone"] {
  return {
    carat: parseNumber(form.carat),
    cut: form.cut as (typeof CUTS)[number],
    color: form.color as (typeof COLORS)[number],
    clarity: form.clarity as (typeof CLARITIES)[number],
    ...Object.fromEntries(
      MEASUREMENTS.filter((name) => form[name].trim() !== "").map((name) => [name, parseNumber(form[name])]),
    ),
  };
}

const PLAIN_NAMES: Readonly<Record<string, string>> = {
  x: "length",
  y: "width",
  z: "height",
  carat: "weight",
  color: "colour",
};

/** Words a message of the API with the names of the controls: "x 3.8 mm" becomes "Length 3.8 mm". */
export function toPlainText(message: string): string {
  const text = message
    .replaceAll("x, y and z", "length, width and height")
    .replaceAll("x y z", "length × width × height")
    .replaceAll(/\b([xyz])(?= (?:\d|must|is))/g, (name) => PLAIN_NAMES[name] ?? name)
    .replace(/^(carat|color)\b/, (name) => PLAIN_NAMES[name] ?? name);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** A stone that differs by one step, for "one step up or down". */
export interface Step {
  readonly label: string;
  readonly stone: Schemas["Stone"];
  readonly form: StoneForm;
}

const WEIGHT_STEP_CT = 0.05;

/** The stones that are one grade or one step of weight away. Measurements follow the weight. */
export function listSteps(form: StoneForm): Step[] {
  const changes: { label: string; change: Partial<StoneForm> }[] = [];
  for (const name of ["clarity", "color", "cut"] as const) {
    const grades: readonly string[] = GRADES[name];
    const at = grades.indexOf(form[name]);
    for (const grade of [grades[at + 1], grades[at - 1]])
      if (grade !== undefined)
        changes.push({ label: `${LABELS[name].toLowerCase()} ${grade}`, change: { [name]: grade } });
  }
  const carat = parseNumber(form.carat);
  for (const weight of [carat + WEIGHT_STEP_CT, carat - WEIGHT_STEP_CT]) {
    if (weight <= WEIGHT_STEP_CT) continue;
    const rounded = String(Number(weight.toFixed(2)));
    const scale = Math.cbrt(Number(rounded) / carat);
    const sizes = (["x", "y", "z"] as const).filter((name) => form[name].trim() !== "");
    const scaled = sizes.map((name) => [name, (parseNumber(form[name]) * scale).toFixed(2)]);
    changes.push({
      label: `weight ${rounded} ct`,
      change: { carat: rounded, ...Object.fromEntries(scaled) },
    });
  }
  return changes.map(({ label, change }) => {
    const changed = { ...form, ...change };
    return { label, form: changed, stone: toStone(changed) };
  });
}
