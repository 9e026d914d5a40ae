import {
  GRADE_COLUMNS,
  type GradeColumn,
  NUMBER_COLUMNS,
  type NumberColumn,
  STONE_COLUMNS,
} from "../../src/domain/diamond.ts";
import { findChoice } from "../../src/lib/input/choices.ts";
import { readOneHotName } from "../xgboost/one-hot.ts";

/** What one column of a model's input holds. */
export type InputSource =
  | { readonly kind: "number"; readonly column: NumberColumn }
  | { readonly kind: "text"; readonly column: GradeColumn }
  | { readonly kind: "code"; readonly column: GradeColumn; readonly codes: ReadonlyMap<string, number> }
  /** A one-hot column: 1 for the stones with this grade, otherwise 0. */
  | { readonly kind: "indicator"; readonly column: GradeColumn; readonly grade: string };

/** A name from the model or from the inputs file, and what it means: a column, or a grade of a column. */
export type ColumnName =
  | { readonly column: NumberColumn; readonly grade?: never }
  | { readonly column: GradeColumn; readonly grade?: string };

export const COLUMN_HINT = `the columns are ${STONE_COLUMNS.join(", ")}; cut_Ideal and the like are one-hot columns`;

/** Spellings of our columns that mean nothing else. */
const SYNONYMS: ReadonlyMap<string, GradeColumn> = new Map([["colour", "color"]]);

/** Reads a name such as `carat`, `Colour` or `cut_Very Good`; null if it is no column of a stone. */
export function readColumnName(name: string): ColumnName | null {
  const number = findChoice(NUMBER_COLUMNS, name);
  if (number !== undefined) return { column: number };
  const grade = findGradeColumn(name);
  if (grade !== undefined) return { column: grade };
  return readOneHotName(name);
}

/** Formats a source as the name that {@link readColumnName} reads. */
export function formatSource(source: InputSource): string {
  return source.kind === "indicator" ? `${source.column}_${source.grade}` : source.column;
}

function findGradeColumn(name: string): GradeColumn | undefined {
  return findChoice(GRADE_COLUMNS, name) ?? SYNONYMS.get(name.toLowerCase());
}
