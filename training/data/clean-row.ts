import {
  GRADE_COLUMNS,
  GRADES,
  MAX_TRAINING_PRICE,
  MAX_VALUE,
  MIN_TRAINING_PRICE,
  MIN_TRAINING_VALUE,
  NUMBER_COLUMNS,
  type PricedStone,
} from "../../src/domain/diamond.ts";

/** The columns that every source must have. */
export const REQUIRED_COLUMNS = [...NUMBER_COLUMNS, ...GRADE_COLUMNS, "price"] as const;
export type RawRow = Readonly<Partial<Record<(typeof REQUIRED_COLUMNS)[number], string>>>;

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
  | "wrong number of columns";

export type CleanedRow =
  | { readonly stone: PricedStone }
  | { readonly reason: RejectionReason; readonly column: string };

const DIMENSION_COLUMNS: readonly string[] = ["x", "y", "z"];
const MISSING_VALUES = new Set(["", "na", "n/a", "null", "none", "nan"]);
const DECIMAL_NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * Converts a row of text to a stone, or returns the first reason for its rejection. Numbers must be decimals
 * with a point. Grades must be spelled as in the vocabulary.
 */
export function cleanRow(row: RawRow): CleanedRow {
  const numbers = {} as Record<(typeof NUMBER_COLUMNS)[number] | "price", number>;
  for (const column of [...NUMBER_COLUMNS, "price"] as const) {
    const text = row[column]?.trim() ?? "";
    if (MISSING_VALUES.has(text.toLowerCase())) return { reason: "missing value", column };
    if (!DECIMAL_NUMBER.test(text)) return { reason: "not a number", column };
    const value = Number(text);
    if (column === "price") {
      if (value <= 0) return { reason: "price not above 0", column };
      if (value < MIN_TRAINING_PRICE || value > MAX_TRAINING_PRICE) return { reason: "out of range", column };
    } else {
      if (value === 0 && DIMENSION_COLUMNS.includes(column)) return { reason: "zero dimension", column };
      if (value < MIN_TRAINING_VALUE || value > MAX_VALUE[column]) return { reason: "out of range", column };
    }
    numbers[column] = value;
  }
  for (const column of GRADE_COLUMNS) {
    const text = row[column]?.trim() ?? "";
    if (text === "") return { reason: "missing value", column };
    if (!(GRADES[column] as readonly string[]).includes(text)) return { reason: `unknown ${column}`, column };
  }
  return {
    stone: {
      carat: numbers.carat,
      cut: row.cut?.trim() as PricedStone["cut"],
      color: row.color?.trim() as PricedStone["color"],
      clarity: row.clarity?.trim() as PricedStone["clarity"],
      depth: numbers.depth,
      table: numbers.table,
      x: numbers.x,
      y: numbers.y,
      z: numbers.z,
      price: numbers.price,
    },
  };
}
