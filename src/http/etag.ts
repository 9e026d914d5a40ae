import { z } from "zod";
import { PreconditionFailed } from "./errors.ts";

const error =
  'If-Match must be the ETag that GET gave, in its quotes, such as "4"; or * for whatever is there';

/** The header of a request that changes something only as long as it is as the caller saw it. */
export const ifMatchHeader = {
  "if-match": z
    .string()
    .regex(/^(\*|"[0-9]{1,15}"([ \t]*,[ \t]*"[0-9]{1,15}")*)$/, { error })
    .optional()
    .meta({
      description:
        'The ETag that GET gave: nothing is changed if somebody else was faster. `*`: if there is one. Left out: in any case. Quotes belong to it: `"4"`.',
      example: '"4"',
    }),
};

export function toEtag(revision: number): string {
  return `"${revision}"`;
}

/** Whether what is there now (null: nothing) is what the caller saw. */
export function matchesEtag(ifMatch: string | undefined, revision: number | null): boolean {
  if (ifMatch === undefined) return true;
  if (revision === null) return false;
  return ifMatch === "*" || ifMatch.split(",").some((tag) => tag.trim() === toEtag(revision));
}

/** The answer to who saw something else than what is there now. */
export function preconditionFailed(what: string, revision: number | null): PreconditionFailed {
  const now = revision === null ? "is not there" : `is at revision ${revision}`;
  return new PreconditionFailed(`${what} ${now} and not as you saw it. GET it again, then decide anew.`);
}

/** The documentation of the header that {@link toEtag} is answered in. */
export const ETAG = {
  ETag: {
    description: "The revision, to be sent as If-Match with the next change.",
    schema: { type: "string" as const, example: '"4"' },
    required: true,
  },
};
