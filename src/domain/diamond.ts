import { z } from "zod";
import { findChoice, type Synonyms } from "../lib/input/choices.ts";
import { choiceField, createFieldMessage, optionalField, strictObject } from "../lib/input/fields.ts";

/** Cut grades, worst to best: GIA grades as named in the diamonds dataset of ggplot2. */
export const CUTS = ["Fair", "Good", "Very Good", "Premium", "Ideal"] as const;
/** Colour grades, worst (J, faint yellow) to best (D, colourless). */
export const COLORS = ["J", "I", "H", "G", "F", "E", "D"] as const;
/** Clarity grades, worst (I1, inclusions visible to the eye) to best (IF, internally flawless). */
export const CLARITIES = ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"] as const;

/** The grades by column, worst to best. Models encode a grade as its index. */
export const GRADES = { cut: CUTS, color: COLORS, clarity: CLARITIES } as const;
/**
 * Other spellings of the trade that mean exactly one grade. Spellings that mean several grades or none of ours,
 * such as `Excellent`, `F-G` or `FL`, are rejected. So are single letters for a cut: they are colours too.
 */
const GRADE_SYNONYMS: {
  readonly [Column in GradeColumn]: Synonyms<(typeof GRADES)[Column][number]>;
} = {
  cut: { "Very Good": ["VG", "V Good"] },
  color: {},
  clarity: {
    I1: ["Included 1"],
    SI2: ["Slightly Included 2"],
    SI1: ["Slightly Included 1"],
    VS2: ["Very Slightly Included 2"],
    VS1: ["Very Slightly Included 1"],
    VVS2: ["Very Very Slightly Included 2"],
    VVS1: ["Very Very Slightly Included 1"],
    IF: ["Internally Flawless"],
  },
};
export const GRADE_COLUMNS = ["cut", "color", "clarity"] as const;
/** The number columns, in the order of a model's inputs. */
export const NUMBER_COLUMNS = ["carat", "depth", "table", "x", "y", "z"] as const;
/** The measurements that a caller may leave out. The model completes them. */
export const MEASUREMENTS = ["depth", "table", "x", "y", "z"] as const;
/** All columns of a stone except the price, in the order and with the names of the dataset. */
export const STONE_COLUMNS = ["carat", "cut", "color", "clarity", "depth", "table", "x", "y", "z"] as const;

export type GradeColumn = (typeof GRADE_COLUMNS)[number];
export type NumberColumn = (typeof NUMBER_COLUMNS)[number];
export type Measurement = (typeof MEASUREMENTS)[number];

/** Upper bounds of the number columns. They are far above any real stone and reject only typing errors. */
export const MAX_VALUE: Readonly<Record<NumberColumn, number>> = {
  carat: 100,
  depth: 100,
  table: 100,
  x: 100,
  y: 100,
  z: 100,
};

/**
 * Bounds of the values in training rows. They are far outside the values of any real stone. Within them, no
 * logarithm, product or ratio overflows float32; a single overflow would make the whole training fail. Prices
 * are in US dollars.
 */
export const MIN_TRAINING_VALUE = 0.001;
export const MIN_TRAINING_PRICE = 0.01;
export const MAX_TRAINING_PRICE = 1e9;

/** The stone in the documentation, the examples and the tests. */
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
 * Finds the grade that a text means, in any case, with any separators, or as a synonym; undefined if there is
 * none. The API and the files of the training accept the same texts.
 */
export function findGrade<Column extends GradeColumn>(
  column: Column,
  text: string,
): (typeof GRADES)[Column][number] | undefined {
  return findChoice<(typeof GRADES)[Column][number]>(GRADES[column], text, GRADE_SYNONYMS[column]);
}

function gradeField<Column extends GradeColumn>(name: Column, text: string) {
  const grades: (typeof GRADES)[Column] = GRADES[name];
  return choiceField(name, grades, GRADE_SYNONYMS[name]).meta({
    description: `${text}, worst to best: ${grades.join(", ")}.`,
    example: EXAMPLE_STONE[name],
  });
}

const NUMBER_FIELDS: Readonly<Record<NumberColumn, { unit: string; description: string }>> = {
  carat: { unit: "carats", description: "Weight in carats (1 carat is 0.2 g)." },
  depth: { unit: "percent", description: "Total depth as a percentage: 200 z / (x + y)." },
  table: {
    unit: "percent",
    description: "Width of the top facet relative to the widest point, in percent.",
  },
  x: { unit: "mm", description: "Length in mm." },
  y: { unit: "mm", description: "Width in mm." },
  z: { unit: "mm", description: "Depth in mm." },
};

/** What follows a value in a text: `61.8 %`, `4.05 mm`. A weight follows the word carat. */
export const UNIT_SUFFIXES: Readonly<Record<NumberColumn, string>> = {
  carat: "",
  depth: " %",
  table: " %",
  x: " mm",
  y: " mm",
  z: " mm",
};

function describeNumber(name: NumberColumn): { description: string; example: number } {
  return { description: NUMBER_FIELDS[name].description, example: EXAMPLE_STONE[name] };
}

/** A number of a stone that is priced. */
export function stoneNumber(name: NumberColumn) {
  const error = createFieldMessage(
    name,
    `${name} must be a number above 0 and at most ${MAX_VALUE[name]} ${NUMBER_FIELDS[name].unit}`,
  );
  return z.number({ error }).gt(0, { error }).max(MAX_VALUE[name], { error });
}

function optionalNumberField(name: Measurement) {
  return optionalField(stoneNumber(name)).meta(describeNumber(name));
}

/** A number of a stone that models are trained on. */
function trainingNumberField(name: NumberColumn) {
  const error = createFieldMessage(
    name,
    `${name} must be a number from ${MIN_TRAINING_VALUE} to ${MAX_VALUE[name]} ${NUMBER_FIELDS[name].unit}`,
  );
  return z
    .number({ error })
    .min(MIN_TRAINING_VALUE, { error })
    .max(MAX_VALUE[name], { error })
    .meta(describeNumber(name));
}

const gradeFields = {
  cut: gradeField("cut", "Cut grade"),
  color: gradeField("color", "Colour grade"),
  clarity: gradeField("clarity", "Clarity grade"),
};

/** The fields of {@link Stone}, for schemas that add fields or leave some out. */
export const stoneFields = {
  carat: stoneNumber("carat").meta(describeNumber("carat")),
  ...gradeFields,
  depth: optionalNumberField("depth"),
  table: optionalNumberField("table"),
  x: optionalNumberField("x"),
  y: optionalNumberField("y"),
  z: optionalNumberField("z"),
};

/** The names that index columns get in data frames and CSV files. */
const INDEX_COLUMNS = ["index", "Unnamed: 0", "rownames", ""];
/** Fields that the API's answers add to a stone. A stone from an answer can be sent back with them. */
const SIMILAR_FIELDS = ["id", "weightDifference"];
const PREDICTION_FIELDS = [
  "price",
  "currency",
  "model",
  "range",
  "imputed",
  "warnings",
  "asking",
  "explanation",
  "comparables",
  "comparison",
];

/** Removes fields before the validation, which rejects unknown fields. */
function ignoreFields<Schema extends z.ZodType>(names: readonly string[], schema: Schema) {
  return z.preprocess((value) => {
    if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
    return names.some((name) => Object.hasOwn(value, name))
      ? Object.fromEntries(Object.entries(value).filter(([name]) => !names.includes(name)))
      : value;
  }, schema);
}

/**
 * A stone that is priced. The weight and the three grades are required. The model completes the other
 * measurements if they are left out. Unknown keys are rejected.
 */
export const Stone = ignoreFields(
  [...INDEX_COLUMNS, ...SIMILAR_FIELDS, ...PREDICTION_FIELDS],
  strictObject("a stone", stoneFields),
).meta({
  id: "Stone",
  description:
    "A diamond. `carat`, `cut`, `color` and `clarity` are required. The model completes `depth`, `table`, `x`, `y` and `z` if they are left out or null. Case, spaces and hyphens do not matter in grades. Fields that the API's answers add to a stone, such as `id`, `price` and `weightDifference`, are ignored.",
  example: EXAMPLE_STONE,
});
export type Stone = z.infer<typeof Stone>;

/** A stone for checks that a model works. Its values do not matter. */
export const SAMPLE_STONE: Stone = { carat: 1, cut: "Ideal", color: "G", clarity: "VS1" };

const priceError = createFieldMessage(
  "price",
  `price must be a number of US dollars from ${MIN_TRAINING_PRICE} to ${MAX_TRAINING_PRICE.toLocaleString("en-US")}`,
);

/** The fields of {@link PricedStone}, for schemas that add fields. */
export const pricedStoneFields = {
  carat: trainingNumberField("carat"),
  ...gradeFields,
  depth: trainingNumberField("depth"),
  table: trainingNumberField("table"),
  x: trainingNumberField("x"),
  y: trainingNumberField("y"),
  z: trainingNumberField("z"),
  price: z
    .number({ error: priceError })
    .min(MIN_TRAINING_PRICE, { error: priceError })
    .max(MAX_TRAINING_PRICE, { error: priceError })
    .meta({ description: "Price in US dollars.", example: 4677 }),
};

/** A stone with all measurements and its price in US dollars: a row of a dataset. */
export const PricedStone = ignoreFields(
  [...INDEX_COLUMNS, ...SIMILAR_FIELDS],
  strictObject("a priced stone", pricedStoneFields),
).meta({
  id: "PricedStone",
  description:
    "A diamond with all measurements and a price. Case, spaces and hyphens do not matter in grades. The fields `id` and `weightDifference` of `GET /v1/diamonds/similar` are ignored.",
  example: { ...EXAMPLE_STONE, price: 4677 },
});
export type PricedStone = z.infer<typeof PricedStone>;

/** The measurements that the caller left out, in the order of {@link MEASUREMENTS}. */
export function listMissingMeasurements(stone: Stone): Measurement[] {
  return MEASUREMENTS.filter((name) => stone[name] === undefined);
}
