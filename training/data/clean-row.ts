import {
  findGrade,
  GRADE_COLUMNS,
  type GradeColumn,
  MAX_TRAINING_PRICE,
  MAX_VALUE,
  MIN_TRAINING_PRICE,
  MIN_TRAINING_VALUE,
  NUMBER_COLUMNS,
  type PricedStone,
} from "../../src/domain/diamond.ts";
import { roundStone } from "../../src/domain/stone-id.ts";
import { type NumberFormat, parseNumber } from "../csv/parse-number.ts";
import type { RawRow, RequiredColumn } from "../csv/raw-row.ts";

export type { RawRow };

/** The reason why a row is rejected. The registry keeps the counts by reason with each model. */
export type RejectionReason =
  | "missing value"
  | "not a number"
  | "price not above 0"
  | "zero dimension"
  | "out of range"
  | "unknown cut"
  | "unknown color"
  | "unknown clarity"
  | "wrong number of columns"
  /** Found after the cleaning, see src/domain/measurements. */
  | "contradicting measurements";

export type CleanedRow =
  | { readonly stone: PricedStone }
  | { readonly reason: RejectionReason; readonly column: RequiredColumn };

const DIMENSION_COLUMNS: readonly string[] = ["x", "y", "z"];
const MISSING_VALUES = new Set(["", "na", "n/a", "null", "none", "nan"]);
const LONGEST_MISSING_VALUE = 4;
const DECIMAL_POINT: NumberFormat = { allowsDecimalComma: false };

/**
 * Converts a row of text to a stone with rounded values (src/domain/stone-id.ts), or returns the first reason for
 * its rejection. Numbers and grades are read as people write them.
 */
export function cleanRow(row: RawRow, format: NumberFormat = DECIMAL_POINT): CleanedRow {
  const numbers = {} as Record<(typeof NUMBER_COLUMNS)[number] | "price", number>;
  for (const column of [...NUMBER_COLUMNS, "price"] as const) {
    const text = row[column]?.trim() ?? "";
    if (isMissing(text)) return { reason: "missing value", column };
    const value = parseNumber(column, text, row, format);
    if (Number.isNaN(value)) return { reason: "not a number", column };
    if (column === "price") {
      if (value <= 0) return { reason: "price not above 0", column };
      if (value < MIN_TRAINING_PRICE || value > MAX_TRAINING_PRICE) return { reason: "out of range", column };
    } else {
      if (value === 0 && DIMENSION_COLUMNS.includes(column)) return { reason: "zero dimension", column };
      if (value < MIN_TRAINING_VALUE || value > MAX_VALUE[column]) return { reason: "out of range", column };
    }
    numbers[column] = value;
  }
  const grades = {} as Pick<PricedStone, GradeColumn>;
  for (const column of GRADE_COLUMNS) {
    const text = row[column]?.trim() ?? "";
    if (isMissing(text)) return { reason: "missing value", column };
    const grade = findGrade(column, text);
    if (grade === undefined) return { reason: `unknown ${column}`, column };
    Object.assign(grades, { [column]: grade });
  }
  return {
    stone: roundStone({
      carat: numbers.carat,
      cut: grades.cut,
      color: grades.color,
      clarity: grades.clarity,
      depth: numbers.depth,
      table: numbers.table,
      x: numbers.x,
      y: numbers.y,
      z: numbers.z,
      price: numbers.price,
    }),
  };
}

function isMissing(text: string): boolean {
  return text.length <= LONGEST_MISSING_VALUE && MISSING_VALUES.has(text.toLowerCase());
}
