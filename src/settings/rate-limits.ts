/**
 * The periods of the rate limits, in seconds. wrangler.toml sets them, but the bindings do not tell them to
 * the Worker, so they are repeated here. A test compares the two.
 */
export const RATE_LIMIT_PERIODS_SECONDS = { KEY_LIMIT: 10, ADDRESS_LIMIT: 10, FAILURE_LIMIT: 60 } as const;
