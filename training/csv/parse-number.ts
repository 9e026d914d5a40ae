import { NUMBER_COLUMNS, type NumberColumn } from "../../src/domain/diamond.ts";
import type { RawRow } from "./raw-row.ts";

/** A longer cell is no number. With this bound, the work for a cell is bounded whatever the patterns cost. */
const MAX_NUMBER_LENGTH = 100;
/** Each text matches in only one way, so that a mismatch is found in linear time. */
const DECIMAL = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?$/i;

/** 1,234 and 1.234: the separator may be one of thousands or of decimals. */
const AMBIGUOUS = /^[+-]?[1-9]\d{0,2}([.,])\d{3}$/;
/** 1,234.50 and 1,234,567 have one meaning, as 1.234,50 and 1.234.567 do. */
const COMMA_GROUPS = /^[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d*)?$/;
const POINT_GROUPS = /^[+-]?[1-9]\d{0,2}(?:\.\d{3})+(?:,\d+)?$/;
const SPACE_GROUPS = /^[+-]?[1-9]\d{0,2}(?:[ '’]\d{3})+(?![\d '’])/;

/** Also no-break and thin spaces. */
const SPACES = /\s+/g;
const DOLLARS_BEFORE = /^([+-]?) ?(?:US ?\$|USD|\$) ?/i;
const DOLLARS_AFTER = / ?(?:US ?\$|USD|\$|(?:US )?dollars?)$/i;
const OTHER_CURRENCY =
  /[€£¥₹₽₩₺₪₫฿]|(?<![a-z])(?:EUR|euros?|GBP|CHF|CAD|AUD|NZD|HKD|SGD|INR|JPY|CNY|RMB|AED|ILS|ZAR|SEK|NOK|DKK|Rs)(?![a-z])|(?<!U)[A-TV-Z] ?\$/i;

/** The units of the measurements, which may follow a number. */
const UNIT: Readonly<Record<NumberColumn, RegExp>> = {
  carat: / ?(?:cts?\.?|carats?)$/i,
  depth: / ?(?:%|percent|pct)$/i,
  table: / ?(?:%|percent|pct)$/i,
  x: / ?(?:mm\.?|millimet(?:er|re)s?)$/i,
  y: / ?(?:mm\.?|millimet(?:er|re)s?)$/i,
  z: / ?(?:mm\.?|millimet(?:er|re)s?)$/i,
};

/** What the cells of a file may look like. */
export interface NumberFormat {
  /** In a file with another delimiter than the comma, a comma may be the decimal separator. */
  readonly allowsDecimalComma: boolean;
}

/**
 * Reads a number as people write it: `2470`, `$2,470.00`, `USD 2 470`, `63.0%`, `1.10 ct`, `4,71`. A text that
 * may mean two numbers is no number, unless the other columns of the row show which one it is.
 * @param text trimmed
 * @returns NaN if the text is no number; infinity if it is too large
 */
export function parseNumber(
  column: NumberColumn | "price",
  text: string,
  row: RawRow,
  { allowsDecimalComma }: NumberFormat,
): number {
  if (text.length > MAX_NUMBER_LENGTH) return Number.NaN;
  const isAmbiguous = column === "price" && allowsDecimalComma && AMBIGUOUS.test(text);
  if (!isAmbiguous && DECIMAL.test(text)) return Number(text);
  const spelled = text.replaceAll(SPACES, " ").replace("−", "-");
  return column === "price"
    ? parsePrice(spelled, row, allowsDecimalComma)
    : parseDecimal(spelled.replace(UNIT[column], ""), allowsDecimalComma);
}

/** The separators in a measurement are always decimal: a stone has no thousand carats or millimetres. */
function parseDecimal(text: string, allowsDecimalComma: boolean): number {
  const pointed = allowsDecimalComma ? text.replace(",", ".") : text;
  return DECIMAL.test(pointed) ? Number(pointed) : Number.NaN;
}

function parsePrice(spelled: string, row: RawRow, allowsDecimalComma: boolean): number {
  const amount = spelled.replace(DOLLARS_BEFORE, "$1").replace(DOLLARS_AFTER, "");
  const text = amount.replace(SPACE_GROUPS, (groups) => groups.replaceAll(/[ '’]/g, ""));
  if (text === amount && AMBIGUOUS.test(text)) return resolveThousands(text, row, allowsDecimalComma);
  if (COMMA_GROUPS.test(text)) return Number(text.replaceAll(",", ""));
  if (POINT_GROUPS.test(text))
    return allowsDecimalComma ? Number(text.replaceAll(".", "").replace(",", ".")) : Number.NaN;
  return parseDecimal(text, allowsDecimalComma);
}

/**
 * Reads 1,234 or 1.234 in the price. A row with decimal commas in its measurements has points between its
 * thousands, and the other way round. A price of 1.234 dollars is read only where the other columns have three
 * decimals too.
 */
function resolveThousands(text: string, row: RawRow, allowsDecimalComma: boolean): number {
  const measurements = NUMBER_COLUMNS.map((column) => row[column] ?? "");
  const hasComma = allowsDecimalComma && measurements.some((cell) => cell.includes(","));
  const hasPoint = !allowsDecimalComma || measurements.some((cell) => cell.includes("."));
  if (hasComma === hasPoint) return Number.NaN;
  const thousands = hasComma ? "." : ",";
  if (text.includes(thousands)) return Number(text.replace(thousands, ""));
  const hasThreeDecimals = hasPoint && measurements.every((cell) => /\.\d{3}$/.test(cell));
  return hasThreeDecimals ? Number(text) : Number.NaN;
}

/** Says why a text is no number, for the end of an error text; null if the text shows it. */
export function explainNumber(
  column: string,
  text: string,
  { allowsDecimalComma }: NumberFormat,
): string | null {
  if (text.length > MAX_NUMBER_LENGTH) return `a number has at most ${MAX_NUMBER_LENGTH} characters`;
  if (column === "price" && OTHER_CURRENCY.test(text)) return "prices must be in US dollars";
  if (column === "price" && AMBIGUOUS.test(text.replaceAll(/[^\d.,]/g, "")))
    return "the separator may be one of thousands or of decimals: write the number without thousands separators";
  if (!allowsDecimalComma && /^[+-]?\d*,\d+\D*$/.test(text))
    return "a decimal comma is read only in a file whose columns are separated by ;, tabs or |";
  return null;
}
