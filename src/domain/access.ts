/** What a key may do: ask prices, send priced stones and outcomes, administer. */
export const SCOPES = ["predict", "appraise", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** What a key looks like: the prefix, then random bits in base64url. Anything else is looked up nowhere. */
export const KEY_PATTERN = /^facet_[A-Za-z0-9_-]{16,128}$/;

/** Who did what came without a key. */
export const ANONYMOUS = "anonymous";
