import { z } from "zod";
import { PreconditionFailed } from "./errors.ts";

/** The request header that makes a change conditional on the revision that the caller last read. */
export const ifMatchHeader = {
  "if-match": z.string().optional().meta({
    description:
      "The ETag that `GET` returned, with its quotes. If the alias has changed since then, the answer is 412 and nothing is changed. `*` means any revision, but the alias must exist. Without this header the change is unconditional.",
  }),
};

/** The request header that makes an answer conditional on a change since the caller last read the resource. */
export const ifNoneMatchHeader = {
  "if-none-match": z.string().optional().meta({
    description:
      "The ETag of an earlier answer, with its quotes. If the answer is still the same, the status is 304 and there is no body.",
  }),
};

/** An answer that may be kept and is asked for again with its ETag. Private, because it needs a key. */
export const REVALIDATE = "private, no-cache";
/** An answer that never changes. */
export const IMMUTABLE = "private, max-age=86400, immutable";

export function toEtag(revision: number): string {
  return `"${revision}"`;
}

/** Whether the current revision (null: the resource does not exist) satisfies an If-Match header. */
export function matchesEtag(ifMatch: string | undefined, revision: number | null): boolean {
  if (ifMatch === undefined) return true;
  if (revision === null) return false;
  return ifMatch.trim() === "*" || ifMatch.split(",").some((tag) => tag.trim() === toEtag(revision));
}

export function createPreconditionFailed(name: string, revision: number | null): PreconditionFailed {
  const state = revision === null ? "does not exist" : `is at revision ${revision}`;
  return new PreconditionFailed(`${name} ${state}, which does not match If-Match. GET it and try again.`);
}

/** The documentation of the ETag header in the answers to changes of an alias. */
export const ETAG_HEADER = {
  ETag: {
    description: "The revision. Send it as If-Match with the next change.",
    schema: { type: "string" as const },
    required: true,
  },
};

/** The documentation of the ETag header in the answers to GET. */
export const VALIDATOR_HEADER = {
  ETag: {
    description: "Identifies this answer. Send it as If-None-Match with the next request.",
    schema: { type: "string" as const },
    required: true,
  },
};
