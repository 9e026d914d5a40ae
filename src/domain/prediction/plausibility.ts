/**
 * Finds values of a stone that do not fit together. What fits is known from the training stones of the model.
 */
import { z } from "zod";
import { NUMBER_COLUMNS, type NumberColumn, type Stone, UNIT_SUFFIXES } from "../diamond.ts";
import { RareGrades } from "./rare-grades.ts";
import type { Warning, WarningCode } from "./warning.ts";

/** The relations between the values of a stone that are checked, in this order. */
export const RELATIONS = [
  "x by carat",
  "y by carat",
  "z by carat",
  "volume by carat",
  "x by y",
  "depth by size",
] as const;
export type Relation = (typeof RELATIONS)[number];

const Interval = z.tuple([z.number(), z.number()]);

export const Limits = z
  .object({
    usual: Interval.meta({ description: "The 1 % and 99 % quantiles of the training stones." }),
    limits: Interval.meta({ description: "A value outside these limits gets a warning." }),
  })
  .meta({ id: "Limits", description: "The usual values and the limits of a column or a relation." });
export type Limits = z.infer<typeof Limits>;

export const Plausibility = z
  .object({
    columns: z.record(z.string(), Limits).meta({ description: "By number column." }),
    relations: z.record(z.string(), z.record(z.string(), Limits)).meta({
      description:
        "By relation, then by cut grade. `x by carat` is x / carat^(1/3), `volume by carat` is x y z / carat, `x by y` is x / y, and `depth by size` is depth - 200 z / (x + y).",
    }),
    rareGrades: RareGrades.optional().meta({
      description: "Left out if there are none, and for versions that were published before it existed.",
    }),
  })
  .meta({
    id: "Plausibility",
    description: "The limits by which a stone is checked for values that do not fit together.",
  });
export type Plausibility = z.infer<typeof Plausibility>;

type Numbers = Readonly<Record<NumberColumn, number>>;

/** A relation between columns, and how a warning describes it. */
interface RelationRule {
  readonly code: WarningCode;
  readonly columns: readonly NumberColumn[];
  /** NaN if one of the columns is missing. */
  readonly compute: (stone: Numbers) => number;
  /** The value that the warning is about, as a text and as a number in the unit of `expected`. */
  readonly subject: (stone: Numbers) => { readonly text: string; readonly value: number };
  /** Converts a value of the relation to the value that the subject would have with it. */
  readonly expect: (relation: number, stone: Numbers) => number;
  /** The stones that the subject is compared with. */
  readonly reference: (stone: Numbers) => string;
  /** Decimals of the expected values. */
  readonly decimals: number;
}

export const RELATION_RULES: Readonly<Record<Relation, RelationRule>> = {
  "x by carat": createSizeRule("x"),
  "y by carat": createSizeRule("y"),
  "z by carat": createSizeRule("z"),
  "volume by carat": {
    code: "weight-against-volume",
    columns: ["carat", "x", "y", "z"],
    compute: ({ carat, x, y, z }) => (x * y * z) / carat,
    subject: ({ x, y, z }) => ({ text: `the volume x y z, ${round(x * y * z, 1)} mm³,`, value: x * y * z }),
    expect: (relation, { carat }) => relation * carat,
    reference: ({ carat }) => `stones of ${carat} carat have`,
    decimals: 0,
  },
  "x by y": {
    code: "length-against-width",
    columns: ["x", "y"],
    compute: ({ x, y }) => x / y,
    subject: ({ x }) => ({ text: `x ${x} mm`, value: x }),
    expect: (relation, { y }) => relation * y,
    reference: ({ y }) => `stones with y ${y} mm have`,
    decimals: 2,
  },
  "depth by size": {
    code: "depth-against-size",
    columns: ["depth", "x", "y", "z"],
    compute: ({ depth, x, y, z }) => depth - (200 * z) / (x + y),
    subject: ({ depth }) => ({ text: `depth ${depth} %`, value: depth }),
    expect: (relation, { x, y, z }) => relation + (200 * z) / (x + y),
    reference: () => "x, y and z give",
    decimals: 1,
  },
};

function createSizeRule(name: "x" | "y" | "z"): RelationRule {
  return {
    code: "weight-against-size",
    columns: ["carat", name],
    compute: (stone) => stone[name] / Math.cbrt(stone.carat),
    subject: (stone) => ({ text: `${name} ${stone[name]} mm`, value: stone[name] }),
    expect: (relation, { carat }) => relation * Math.cbrt(carat),
    reference: ({ carat }) => `stones of ${carat} carat have`,
    decimals: 1,
  };
}

/** The limits of a model without {@link Plausibility}: the range of each column, and no relations. */
export function toPlausibility(ranges: Readonly<Record<string, Limits["limits"]>>): Plausibility {
  const columns = Object.entries(ranges).map(([name, limits]) => [name, { usual: limits, limits }] as const);
  return { columns: Object.fromEntries(columns), relations: {} };
}

/** Returns a warning for each value that does not fit the others, or that is far from all training stones. */
export function findImplausibleValues({ columns, relations }: Plausibility, stone: Stone): Warning[] {
  const { carat, depth = NaN, table = NaN, x = NaN, y = NaN, z = NaN } = stone;
  const numbers: Numbers = { carat, depth, table, x, y, z };
  const warnings: Warning[] = [];
  // One wrong value breaks several relations. A value that has a warning gets no other.
  const hasWarning = (names: readonly NumberColumn[]) =>
    warnings.some(({ fields }) => names.some((name) => name !== "carat" && fields.includes(name)));
  for (const relation of RELATIONS) {
    const rule = RELATION_RULES[relation];
    const limits = relations[relation]?.[stone.cut];
    const isPlausible = limits === undefined || isInside(rule.compute(numbers), limits.limits);
    if (!isPlausible && !hasWarning(rule.columns)) warnings.push(describeRelation(rule, numbers, limits));
  }
  for (const name of NUMBER_COLUMNS) {
    const limits = columns[name]?.limits;
    if (limits === undefined || isInside(numbers[name], limits) || hasWarning([name])) continue;
    const interval = limits.map((end) => round(end, 2)).join(" to ");
    warnings.push({
      code: "outside-training-range",
      message: `${name} ${numbers[name]}${UNIT_SUFFIXES[name]} is outside the range that the model was trained on (${interval}), ${compareWithEnd(numbers[name], limits)}: the price is an extrapolation`,
      fields: [name],
    });
  }
  return warnings;
}

/** A missing value (NaN) is inside. */
function isInside(value: number, [low, high]: readonly [number, number]): boolean {
  return !(value < low || value > high);
}

function describeRelation(rule: RelationRule, stone: Numbers, { usual }: Limits): Warning {
  const { text, value } = rule.subject(stone);
  const expected = [rule.expect(usual[0], stone), rule.expect(usual[1], stone)] as const;
  const interval = expected.map((end) => end.toFixed(rule.decimals)).join(" to ");
  return {
    code: rule.code,
    message: `${text} is ${compareWith(value, expected)} ${rule.reference(stone)} (${interval}): check the measurements`,
    fields: [...rule.columns],
  };
}

/** Compares a value with the nearer end of an interval: `42 % less than`, `5.9 times what`. */
function compareWith(value: number, interval: readonly [number, number]): string {
  const ratio = divideByEnd(value, interval);
  if (ratio >= 2) return `${round(ratio, 1)} times what`;
  return `${formatDistance(ratio)} ${ratio < 1 ? "less" : "more"} than`;
}

/** The same for a range: `50 % below its lower end`, `4 times its upper end`. */
function compareWithEnd(value: number, range: readonly [number, number]): string {
  const ratio = divideByEnd(value, range);
  if (ratio >= 2) return `${round(ratio, 1)} times its upper end`;
  return `${formatDistance(ratio)} ${ratio < 1 ? "below its lower end" : "above its upper end"}`;
}

function divideByEnd(value: number, [low, high]: readonly [number, number]): number {
  return value / (value < low ? low : high);
}

function formatDistance(ratio: number): string {
  const percent = 100 * Math.abs(ratio - 1);
  return `${round(percent, percent < 10 ? 1 : 0)} %`;
}

/** Rounds to a number of decimals; a small number keeps two digits. */
function round(value: number, decimals: number): number {
  return Math.abs(value) < 1 ? Number(value.toPrecision(2)) : Number(value.toFixed(decimals));
}
