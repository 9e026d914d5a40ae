import { z } from "zod";
import { createFieldMessage } from "../lib/input/fields.ts";
import { numberParameter } from "./parameters.ts";

const cursorError = createFieldMessage("next", "next must be the value of next from the previous page");

/** The query parameter for the number of rows on a page. */
export function limitField(max: number, defaultLimit: number) {
  const error = createFieldMessage("limit", `limit must be a whole number from 1 to ${max}`);
  return numberParameter(z.number({ error }).int({ error }).min(1, { error }).max(max, { error }))
    .default(defaultLimit)
    .meta({ description: `The maximum number of results, from 1 to ${max}.` });
}

/**
 * The query parameter for a cursor: a word, a hyphen and a position. Callers must not rely on this format,
 * because it may change.
 */
export function cursorField<Position>(pattern: RegExp, toPosition: (text: string) => Position) {
  return z
    .string({ error: cursorError })
    .regex(pattern, { error: cursorError })
    .transform((text) => toPosition(text.slice(text.indexOf("-") + 1)))
    .optional()
    .meta({ description: "The `next` of the previous page. Leave it out for the first page." });
}

/**
 * The query of a list in descending order of a number, such as a version or a revision. The cursor holds the
 * last number of a page (keyset pagination), so new rows do not shift the following pages.
 */
export const pageQuery = {
  limit: limitField(100, 20),
  next: cursorField(/^below-[1-9][0-9]{0,14}$/, Number),
};

export const nextField = z.string().nullable().meta({
  description: "Send it as `next` to get the following page; null on the last page.",
});

/** Makes a page. `rows` has one row more than the limit if another page follows. */
export function toPage<Row>(
  rows: readonly Row[],
  limit: number,
  getNumber: (row: Row) => number,
): { rows: Row[]; next: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    rows: page,
    next: rows.length > limit && last !== undefined ? `below-${getNumber(last)}` : null,
  };
}
