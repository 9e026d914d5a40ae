import { z } from "zod";

const cursorError = "next must be the value that the page before gave as next";

/** How many rows a page has: at most so many, and so many where nothing is said. */
export function limitField(most: number, usual: number) {
  const error = `limit must be a whole number from 1 to ${most}`;
  return z
    .number({ error })
    .int({ error })
    .min(1, { error })
    .max(most, { error })
    .default(usual)
    .meta({ description: "How many at most.", example: usual });
}

/** A cursor: a word and the position that a page goes on from. The document has its form, and no promise of it. */
export function cursorField<Position>(pattern: RegExp, toPosition: (text: string) => Position) {
  return z
    .string({ error: cursorError })
    .regex(pattern, { error: cursorError })
    .transform((text) => toPosition(text.slice(text.indexOf("-") + 1)))
    .optional()
    .meta({ description: "The `next` of the page before; leave it out for the first page." });
}

/**
 * Keyset pagination over numbers that count down (versions, revisions): the cursor holds the last number
 * of a page, so that pages stay right while rows are added.
 */
export const pageQuery = {
  limit: limitField(100, 20),
  next: cursorField(/^below-[1-9][0-9]{0,14}$/, Number),
};

export const nextField = z.string().nullable().meta({
  description: "Pass it as `next` for the following page; null on the last one.",
});

/** Cuts a list that was asked for with one row more than the limit. */
export function toPage<Row>(
  rows: readonly Row[],
  limit: number,
  number: (row: Row) => number,
): { rows: Row[]; next: string | null } {
  const page = rows.slice(0, limit);
  const last = page.at(-1);
  return {
    rows: page,
    next: rows.length > limit && last !== undefined ? `below-${number(last)}` : null,
  };
}
