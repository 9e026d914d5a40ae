import { GRADES, type GradeColumn, NUMBER_COLUMNS, STONE_COLUMNS } from "../../../src/domain/diamond.ts";
import {
  type Feature,
  type FeatureColumn,
  isDerivedColumn,
  isGradeColumn,
  type StoneColumn,
} from "../features.ts";
import type { XgboostModel } from "../model.ts";

/** The orders in which tools number grades. The first code is 0, or 1 in R. */
const GRADE_ORDERS = [
  { name: "worst to best", sort: (grades: readonly string[]) => grades },
  { name: "alphabetical", sort: (grades: readonly string[]) => grades.toSorted() },
  { name: "best to worst", sort: (grades: readonly string[]) => grades.toReversed() },
];
const FIRST_CODES = [0, 1];

/** Orders of the columns that data frames often have, besides that of the dataset. */
const COLUMN_ORDERS: readonly (readonly StoneColumn[])[] = [
  ["carat", "depth", "table", "x", "y", "z", "cut", "color", "clarity"],
  ["cut", "color", "clarity", "carat", "depth", "table", "x", "y", "z"],
  ["carat", "depth", "table", "x", "y", "z", "clarity", "color", "cut"],
  ["carat", "depth", "table", "x", "y", "z", "color", "clarity", "cut"],
  ["carat", "x", "y", "z", "depth", "table", "cut", "color", "clarity"],
  ["depth", "table", "carat", "x", "y", "z", "cut", "color", "clarity"],
  STONE_COLUMNS.toSorted(),
];

/** Other codes of the grades. */
export interface CodeAlternative {
  /** For an error text: `alphabetical from 0`. */
  readonly name: string;
  readonly features: readonly Feature[];
  /** What a categories file has for a column. */
  readonly toCategories: (column: GradeColumn) => readonly string[] | Readonly<Record<string, number>>;
}

/** Lists common codes, for each column whose codes are not in the model file. */
export function listCodeAlternatives({ features, codes }: XgboostModel): CodeAlternative[] {
  const unknown = new Set(codes.filter(({ source }) => source !== "file").map(({ column }) => column));
  if (unknown.size === 0) return [];
  return FIRST_CODES.flatMap((first) =>
    GRADE_ORDERS.map(({ name, sort }) => ({
      name: `${name} from ${first}`,
      features: features.map((feature) =>
        "codes" in feature && feature.grade === undefined && unknown.has(feature.column)
          ? { column: feature.column, codes: numberGrades(sort(GRADES[feature.column]), first) }
          : feature,
      ),
      toCategories: (column: GradeColumn) => {
        const grades = sort(GRADES[column]);
        return first === 0 ? grades : Object.fromEntries(numberGrades(grades, first));
      },
    })),
  );
}

/** Other orders of the columns. */
export interface ColumnAlternative {
  readonly columns: readonly FeatureColumn[];
  readonly features: readonly Feature[];
}

/** Lists common orders of the columns, for a model whose features have no names. */
export function listColumnAlternatives({ features, hasFeatureNames }: XgboostModel): ColumnAlternative[] {
  if (hasFeatureNames || features.length !== STONE_COLUMNS.length) return [];
  return COLUMN_ORDERS.map((columns) => ({ columns, features: columns.map(createPlainFeature) }));
}

/** Lists the models in which one column of numbers has the place of another. */
export function listSwaps(
  { features }: XgboostModel,
  columns: readonly FeatureColumn[],
): (ColumnAlternative & { readonly swapped: readonly [StoneColumn, StoneColumn] })[] {
  const used = NUMBER_COLUMNS.filter((column) => features.some((feature) => feature.column === column));
  return columns.flatMap((a) =>
    isGradeColumn(a) || isDerivedColumn(a)
      ? []
      : used
          .filter((b) => b !== a)
          .map((b) => {
            const swapped = features.map((feature): Feature => {
              if ("codes" in feature) return feature;
              return feature.column === a ? { column: b } : feature.column === b ? { column: a } : feature;
            });
            return {
              swapped: [a, b] as const,
              columns: swapped.map(({ column }) => column),
              features: swapped,
            };
          }),
  );
}

function createPlainFeature(column: StoneColumn): Feature {
  return isGradeColumn(column) ? { column, codes: numberGrades(GRADES[column], 0) } : { column };
}

function numberGrades(grades: readonly string[], first: number): ReadonlyMap<string, number> {
  return new Map(grades.map((grade, i) => [grade, first + i]));
}
