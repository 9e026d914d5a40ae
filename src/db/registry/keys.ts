import { and, eq, isNull, lt, or } from "drizzle-orm";
import type { Scope } from "../../domain/access.ts";
import { openDrizzle, type Queryable } from "../sessions.ts";
import { keys } from "./schema.ts";

/** An API key as the registry stores it. */
export interface ApiKey {
  /** SHA-256 of the key, hexadecimal. */
  readonly hash: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
}

const KEY_COLUMNS = {
  hash: keys.hash,
  name: keys.name,
  scopes: keys.scopes,
  expiresAt: keys.expiresAt,
  revokedAt: keys.revokedAt,
};

export async function findKey(d1: Queryable, hash: string): Promise<ApiKey | null> {
  return (await openDrizzle(d1).select(KEY_COLUMNS).from(keys).where(eq(keys.hash, hash)).get()) ?? null;
}

/** Records that a key was used at `at`, unless a use after `since` is already recorded. */
export async function recordKeyUse(d1: Queryable, hash: string, at: Date, since: Date): Promise<void> {
  await openDrizzle(d1)
    .update(keys)
    .set({ lastUsedAt: at.toISOString() })
    .where(and(eq(keys.hash, hash), or(isNull(keys.lastUsedAt), lt(keys.lastUsedAt, since.toISOString()))));
}
