/** The texts of contradictions. They have the numbers, and what the others give. */
import { NUMBER_COLUMNS, type NumberColumn, UNIT_SUFFIXES } from "../diamond.ts";
import { computeDepth, computeWeight, DEPTHS, isInside, type Measurements } from "./relations.ts";

/** Why a stone is rejected. */
export interface Contradiction {
  /** The columns that are wrong, in the order of {@link NUMBER_COLUMNS}. */
  readonly columns: readonly NumberColumn[];
  /** For example `depth 0.636 %, but x, y and z give 63.6 %: a fraction?` */
  readonly message: string;
}

/** @param guess what the values may be instead; null if nothing explains them */
export function describePercentages(
  stone: Measurements,
  columns: readonly ("depth" | "table")[],
  guess: string | null,
): Contradiction {
  const expected = computeDepth(stone);
  const evidence = columns.includes("depth")
    ? isInside(expected, DEPTHS) &&
      `x, y and z give ${columns.length > 1 ? "a depth of " : ""}${round(expected)} %`
    : "tables have 43 to 95 %";
  return create(columns, `${list(stone, columns)}${evidence ? `, but ${evidence}` : ""}`, guess);
}

export function describeWeight(stone: Measurements, guess: string | null): Contradiction {
  const weight = round(computeWeight(stone));
  return create(["carat"], `carat ${round(stone.carat)}, but x, y and z are those of ${weight} carat`, guess);
}

/** @param columns some of x, y and z, and carat if the weight has another unit too */
export function describeSizes(
  stone: Measurements,
  columns: readonly NumberColumn[],
  guess: string,
): Contradiction {
  const text = list(stone, columns);
  if (columns.length === 3)
    return create(
      columns,
      `${text} are those of ${round(computeWeight(stone))} carat, but carat is ${round(stone.carat)}`,
      guess,
    );
  const others = NUMBER_COLUMNS.filter((name) => name !== "table" && !columns.includes(name));
  return create(
    columns,
    `${text} ${columns.length > 1 ? "do" : "does"} not fit ${list(stone, others)}`,
    guess,
  );
}

/** @param exchanged the stone with the same values in the columns where they fit */
export function describeExchange(stone: Measurements, exchanged: Measurements): Contradiction {
  const columns = NUMBER_COLUMNS.filter((name) => stone[name] !== exchanged[name]);
  return create(
    columns,
    `${list(stone, columns)} do not fit the other values, but ${list(exchanged, columns)} do`,
    "exchanged",
  );
}

function create(columns: readonly NumberColumn[], text: string, guess: string | null): Contradiction {
  return { columns, message: guess === null ? text : `${text}: ${guess}?` };
}

/** Lists values: `x 0.66 mm, y 0.67 mm and z 0.41 mm`. */
function list(stone: Measurements, columns: readonly NumberColumn[]): string {
  const texts = columns.map((name) => `${name} ${round(stone[name], 5)}${UNIT_SUFFIXES[name]}`);
  const last = texts.pop();
  return texts.length > 0 ? `${texts.join(", ")} and ${last}` : `${last}`;
}

function round(value: number, digits = 3): number {
  return Number(value.toPrecision(digits));
}
