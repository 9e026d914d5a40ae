import { parseISO } from "date-fns";

/**
 * The complete forms of ISO 8601: a date (calendar, week or ordinal), and a time of day with or without
 * seconds and offset. date-fns also reads years and centuries, which are no times.
 */
const DATE = String.raw`\d{4}-\d{2}-\d{2}|\d{8}|\d{4}-?W\d{2}-?\d|\d{4}-\d{3}|\d{7}`;
const TIME = String.raw`\d{2}:\d{2}(?::\d{2}(?:[.,]\d+)?)?|\d{4}(?:\d{2}(?:[.,]\d+)?)?`;
const OFFSET = String.raw`Z|[+\- ](?:[01]\d|2[0-3])(?::?\d{2})?`;
const FORM = new RegExp(`^(${DATE})(?:[T ](${TIME})(${OFFSET})?)?$`, "i");

/**
 * Reads a time in any complete form of ISO 8601, in milliseconds since 1970; null if it is none. A date is its
 * first moment. A time without an offset is in UTC. A space before the offset is a `+` that a URL lost.
 */
export function parseIsoTime(text: string): number | null {
  const [, date, time, offset = "Z"] = FORM.exec(text.trim().toUpperCase()) ?? [];
  if (date === undefined) return null;
  const at = parseISO(`${date}T${time ?? "00:00"}${offset.replace(" ", "+")}`).getTime();
  return Number.isNaN(at) ? null : at;
}

/** Whether a text in one of these forms is a date without a time of day. */
export function isIsoDate(text: string): boolean {
  return parseIsoTime(text) !== null && FORM.exec(text.trim())?.[2] === undefined;
}
