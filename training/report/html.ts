import { html as escapeTemplate, raw } from "hono/html";
import type { HtmlEscapedString } from "hono/utils/html";

/** HTML text. Templates insert it without escaping. */
export type Html = HtmlEscapedString;

export { raw };

type TemplateValue = Html | string | number | null | readonly TemplateValue[];

/**
 * Control characters, which HTML does not allow, and characters that change the direction of text. These
 * could make a file name look like another one.
 */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the pattern must match control characters
const UNPRINTABLE = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A template tag for HTML. It escapes values and replaces unprintable characters. Null inserts nothing. */
export function html(texts: TemplateStringsArray, ...values: readonly TemplateValue[]): Html {
  // hono returns a promise only if a value is a promise.
  return escapeTemplate(texts, ...values.map(replaceUnprintable)) as Html;
}

function replaceUnprintable(value: TemplateValue): unknown {
  if (Array.isArray(value)) return value.map(replaceUnprintable);
  // Html is a String object at run time, so it is not changed here.
  if (typeof value === "string") return value.toWellFormed().replace(UNPRINTABLE, "\ufffd");
  return value;
}
