/** Generated from /openapi.json by `npm run types:api`. */

/** The types of problems that the API answers with. A later version of the API can add more. */
export type ProblemType =
  | "urn:facet:problem:malformed-body"
  | "urn:facet:problem:unauthenticated"
  | "urn:facet:problem:forbidden"
  | "urn:facet:problem:not-found"
  | "urn:facet:problem:method-not-allowed"
  | "urn:facet:problem:conflict"
  | "urn:facet:problem:precondition-failed"
  | "urn:facet:problem:too-large"
  | "urn:facet:problem:unsupported-media-type"
  | "urn:facet:problem:misdirected-request"
  | "urn:facet:problem:invalid-input"
  | "urn:facet:problem:no-price"
  | "urn:facet:problem:too-many-requests"
  | "urn:facet:problem:internal"
  | "urn:facet:problem:not-ready"
  | "urn:facet:problem:unavailable";
