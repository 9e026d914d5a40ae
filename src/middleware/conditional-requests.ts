import { etag, RETAINED_304_HEADERS } from "hono/etag";

/**
 * Adds an ETag to an answer, and answers `If-None-Match` with 304 if the answer has not changed. The headers
 * for pages of other origins stay: without them, a browser does not let the page use its copy. The policy of a
 * page stays: a browser replaces the headers of its copy by those of the 304.
 */
export const conditionalRequests = etag({
  retainedHeaders: [
    ...RETAINED_304_HEADERS,
    "access-control-allow-origin",
    "access-control-expose-headers",
    "content-security-policy",
  ],
});
