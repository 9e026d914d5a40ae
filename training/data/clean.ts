import {
  GRADE_COLUMNS,
  GRADES,
  MAX_MEASURE,
  MAX_PRICE,
  MIN_MEASURE,
  MIN_PRICE,
  NUMBER_COLUMNS,
  type PricedStone,
} from "../../src/domain/diamond.ts";

/** The columns that a source must have. */
export const REQUIRED_COLUMNS = [...NUMBER_COLUMNS, ...GRADE_COLUMNS, "price"] as const;
export type RawRow = Readonly<Partial<Record<(typeof REQUIRED_COLUMNS)[number], string>>>;

/** Why a row is not fit for training. The counts by reason are kept with the model. */
export type Rejection =
  | "missing value"
  | "not a number"
  | "price not above 0"
  | "zero dimension"
  | "out of range"
  | "unknown cut"
  | "unknown color"
  | "unknown clarity"
  | "wrong number of columns";

export type CleanResult =
  | { readonly stone: PricedStone }
  | { readonly reason: Rejection; readonly column: string };

const DIMENSIONS: readonly string[] = ["x", "y", "z"];
const MISSING = new Set(["", "na", "n/a", "null", "none", "nan"]);
const DECIMAL = /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i;

/**
 * One row of text to a stone, or the first reason against it.
 * Numbers are plain decimals with a point; grades are spelled as in the vocabulary.
 */
export function cleanRow(row: RawRow): CleanResult {
  const numbers = {} as Record<(typeof NUMBER_COLUMNS)[number] | "price", number>;
  for (const column of [...NUMBER_COLUMNS, "price"] as const) {
    const text = row[column]?.trim() ?? "";
    if (MISSING.has(text.toLowerCase())) return { reason: "missing value", column };
    if (!DECIMAL.test(text)) return { reason: "not a number", column };
    const value = Number(text);
    if (column === "price") {
      if (value <= 0) return { reason: "price not above 0", column };
      if (value < MIN_PRICE || value > MAX_PRICE) return { reason: "out of range", column };
    } else {
      if (value === 0 && DIMENSIONS.includes(column)) return { reason: "zero dimension", column };
      if (value < MIN_MEASURE || value > MAX_MEASURE[column]) return { reason: "out of range", column };
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
