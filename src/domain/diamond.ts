import { z } from "zod";
import { requiredMessage, strictObject } from "../lib/fields.ts";

/** Cut grades, worst to best (GIA names as ggplot2's dataset has them). */
export const CUTS = ["Fair", "Good", "Very Good", "Premium", "Ideal"] as const;
/** Colour grades, worst (J, faint yellow) to best (D, colourless). */
export const COLORS = ["J", "I", "H", "G", "F", "E", "D"] as const;
/** Clarity grades, worst (I1, inclusions seen by eye) to best (IF, internally flawless). */
export const CLARITIES = ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"] as const;

/** The grades by column; the order is the code that models use, worst to best. */
export const GRADES = { cut: CUTS, color: COLORS, clarity: CLARITIES } as const;
export const GRADE_COLUMNS = ["cut", "color", "clarity"] as const;
/** The columns that hold numbers, in the order of a model's inputs. */
export const NUMBER_COLUMNS = ["carat", "depth", "table", "x", "y", "z"] as const;
/** The measurements that a caller may leave out; the model completes them. */
export const MEASUREMENTS = ["depth", "table", "x", "y", "z"] as const;
/** A stone's columns as the dataset names them, without the price. */
export const STONE_COLUMNS = ["carat", "cut", "color", "clarity", "depth", "table", "x", "y", "z"] as const;

export type GradeColumn = (typeof GRADE_COLUMNS)[number];
export type NumberColumn = (typeof NUMBER_COLUMNS)[number];
export type Measurement = (typeof MEASUREMENTS)[number];

/** Upper bounds of what a stone can measure: generous, so that only mistyped values are refused. */
export const MAX_MEASURE: Readonly<Record<NumberColumn, number>> = {
  carat: 100,
  depth: 100,
  table: 100,
  x: 100,
  y: 100,
  z: 100,
};

/**
 * Lower bounds of a stone that is learned from: far below any stone, and high enough that no logarithm, product
 * or ratio of them leaves float32, which would stop the training for all the others.
 */
export const MIN_MEASURE = 0.001;
export const MIN_PRICE = 0.01;
export const MAX_PRICE = 1e9;

function grade<const Grades extends readonly [string, ...string[]]>(
  name: string,
  grades: Grades,
  text: string,
) {
  return z
    .enum(grades, { error: requiredMessage(name, `${name} must be one of ${grades.join(", ")}`) })
    .meta({ description: `${text}, worst to best: ${grades.join(", ")}.`, example: grades.at(-1) });
}

const MEASURES: Readonly<Record<NumberColumn, { unit: string; description: string; example: number }>> = {
  carat: { unit: "carats", description: "Weight in carats (1 carat is 0.2 g).", example: 1.1 },
  depth: { unit: "percent", description: "Total depth as a percentage: 200 z / (x + y).", example: 62 },
  table: {
    unit: "percent",
    description: "Width of the top facet relative to the widest point, in percent.",
    example: 55,
  },
  x: { unit: "mm", description: "Length in mm.", example: 6.61 },
  y: { unit: "mm", description: "Width in mm.", example: 6.65 },
  z: { unit: "mm", description: "Depth in mm.", example: 4.11 },
};

function measure(name: NumberColumn) {
  const { unit, ...meta } = MEASURES[name];
  const error = requiredMessage(
    name,
    `${name} must be a number above 0 and at most ${MAX_MEASURE[name]} ${unit}`,
  );
  return z.number({ error }).gt(0, { error }).max(MAX_MEASURE[name], { error }).meta(meta);
}

/** The same of a stone that is learned from. */
function exactMeasure(name: NumberColumn) {
  const { unit, ...meta } = MEASURES[name];
  const error = requiredMessage(
    name,
    `${name} must be a number from ${MIN_MEASURE} to ${MAX_MEASURE[name]} ${unit}`,
  );
  return z.number({ error }).min(MIN_MEASURE, { error }).max(MAX_MEASURE[name], { error }).meta(meta);
}

const gradeShape = {
  cut: grade("cut", CUTS, "Cut grade"),
  color: grade("color", COLORS, "Colour grade"),
  clarity: grade("clarity", CLARITIES, "Clarity grade"),
};

/** The fields of a stone, for schemas that hold more or less than one. */
export const stoneShape = {
  carat: measure("carat"),
  ...gradeShape,
  depth: measure("depth").optional(),
  table: measure("table").optional(),
  x: measure("x").optional(),
  y: measure("y").optional(),
  z: measure("z").optional(),
};

/** The stone of the documentation, the examples and the tests. */
export const EXAMPLE_STONE = {
  carat: 1.1,
  cut: "Ideal",
  color: "H",
  clarity: "SI2",
  depth: 62,
  table: 55,
  x: 6.61,
  y: 6.65,
  z: 4.11,
} as const;

/**
 * A stone to be priced: weight and the three grades are required; measurements left out are completed
 * by the model. Unknown keys are refused.
 */
export const Stone = strictObject("a stone", stoneShape).meta({
  id: "Stone",
  description:
    "A diamond. carat, cut, color and clarity are required; depth, table, x, y and z are completed from them where left out.",
  example: EXAMPLE_STONE,
});
export type Stone = z.infer<typeof Stone>;

const priceError = requiredMessage(
  "price",
  `price must be a number of US dollars from ${MIN_PRICE} to ${MAX_PRICE.toLocaleString("en-US")}`,
);

/** A stone with all its measurements and its price in US dollars: a row of a dataset. */
export const PricedStone = strictObject("a priced stone", {
  carat: exactMeasure("carat"),
  ...gradeShape,
  depth: exactMeasure("depth"),
  table: exactMeasure("table"),
  x: exactMeasure("x"),
  y: exactMeasure("y"),
  z: exactMeasure("z"),
  price: z
    .number({ error: priceError })
    .min(MIN_PRICE, { error: priceError })
    .max(MAX_PRICE, { error: priceError })
    .meta({ description: "Price in US dollars.", example: 4677 }),
}).meta({ id: "PricedStone", description: "A diamond with all its measurements and its price." });
export type PricedStone = z.infer<typeof PricedStone>;

/** Which measurements the caller left out, in the order of {@link MEASUREMENTS}. */
export function missingMeasurements(stone: Stone): Measurement[] {
  return MEASUREMENTS.filter((name) => stone[name] === undefined);
}
