/** The first characters of a formula, and the full-width forms that spreadsheets accept in their place. */
const FORMULA_START = /^[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/;

/**
 * A line of CSV (RFC 4180), with its line break. Null is an empty field. Text that a spreadsheet would run as
 * a formula gets an apostrophe in front.
 */
export function toCsvLine(values: readonly (string | number | null)[]): string {
  return `${values.map(toCsvField).join(",")}\r\n`;
}

function toCsvField(value: string | number | null): string {
  if (value === null) return "";
  if (typeof value === "number") return String(value);
  const text = FORMULA_START.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
