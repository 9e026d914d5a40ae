import { randomBytes } from "node:crypto";
import { ConflictError, executeStatements } from "../../cloudflare/d1.ts";
import { toInsertStatements, toSqlLiteral } from "../../cloudflare/d1-sql.ts";
import { sha256 } from "../../cloudflare/r2.ts";
import { UserError } from "../../cloudflare/user-error.ts";
import { query, type Target } from "../../cloudflare/wrangler.ts";
import { keys } from "../../src/db/registry/schema.ts";
import type { Scope } from "../../src/domain/access.ts";

/** A key as the registry knows it; times are ISO 8601. */
export interface KeyRecord {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly created: string;
  readonly lastUsed: string | null;
  readonly expires: string | null;
  readonly revoked: string | null;
}

/**
 * Makes a key and returns it: the only time that it is seen, for the registry holds its hash.
 * @throws Failure where the name is taken
 */
export async function createKey(
  target: Target,
  key: { readonly name: string; readonly scopes: Scope[]; readonly expiresAt: string | null },
): Promise<string> {
  // 256 random bits: a plain hash of it cannot be searched.
  const secret = `facet_${randomBytes(32).toString("base64url")}`;
  const row = { ...key, hash: sha256(Buffer.from(secret)), createdAt: new Date().toISOString() };
  const done = `SELECT 1 FROM keys WHERE hash = ${toSqlLiteral(row.hash)}`;
  await executeStatements(target, toInsertStatements(keys, [row]), done).catch((error) => {
    throw error instanceof ConflictError ? new UserError(`there is a key named ${key.name} already`) : error;
  });
  return secret;
}

export async function listKeys(target: Target): Promise<KeyRecord[]> {
  const [rows = []] = await query(target, [
    `SELECT name, scopes, created_at AS created, last_used_at AS lastUsed, expires_at AS expires,
       revoked_at AS revoked FROM keys ORDER BY created_at`,
  ]);
  return rows.map((row) => ({ ...row, scopes: JSON.parse(String(row.scopes)) }) as KeyRecord);
}

/** @throws Failure where no valid key has the name */
export async function revokeKey(target: Target, name: string): Promise<void> {
  const where = `name = ${toSqlLiteral(name)} AND revoked_at IS NULL`;
  const [[found] = []] = await query(target, [`SELECT count(*) AS count FROM keys WHERE ${where}`]);
  if (found?.count !== 1) throw new UserError(`there is no valid key named ${name}`);
  await executeStatements(target, [
    `UPDATE keys SET revoked_at = ${toSqlLiteral(new Date().toISOString())} WHERE ${where};`,
  ]);
}
