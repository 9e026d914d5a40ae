/** The rights of an API key: request prices, send priced stones and outcomes, administer. */
export const SCOPES = ["predict", "appraise", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** The form of an API key: a prefix and random bits in base64url. Other text is rejected without a lookup. */
export const KEY_PATTERN = /^facet_[A-Za-z0-9_-]{16,128}$/;

/** The name that is stored for callers without a key. */
export const ANONYMOUS = "anonymous";
