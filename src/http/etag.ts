import { z } from "zod";
import { PreconditionFailed } from "./errors.ts";

const error = 'If-Match must be * or an ETag that GET returned, in quotes, such as "4"';

/** The request header that makes a change conditional on the revision that the caller last read. */
export const ifMatchHeader = {
  "if-match": z
    .string()
    .regex(/^(\*|"[0-9]{1,15}"([ \t]*,[ \t]*"[0-9]{1,15}")*)$/, { error })
    .optional()
    .meta({
      description:
        'The ETag that `GET` returned, in quotes: `"4"`. If the alias has changed since then, the answer is 412 and nothing is changed. `*` means any revision, but the alias must exist. Without this header the change is unconditional.',
      example: '"4"',
    }),
};

export function toEtag(revision: number): string {
  return `"${revision}"`;
}

/** Whether the current revision (null: the resource does not exist) satisfies an If-Match header. */
export function matchesEtag(ifMatch: string | undefined, revision: number | null): boolean {
  if (ifMatch === undefined) return true;
  if (revision === null) return false;
  return ifMatch === "*" || ifMatch.split(",").some((tag) => tag.trim() === toEtag(revision));
}

export function createPreconditionFailed(name: string, revision: number | null): PreconditionFailed {
  const state = revision === null ? "does not exist" : `is at revision ${revision}`;
  return new PreconditionFailed(`${name} ${state}, which does not match If-Match. GET it and try again.`);
}

/** The documentation of the ETag header in responses. */
export const ETAG_HEADER = {
  ETag: {
    description: "The revision. Send it as If-Match with the next change.",
    schema: { type: "string" as const, example: '"4"' },
    required: true,
  },
};
