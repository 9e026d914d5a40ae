import { randomBytes } from "node:crypto";
import { ConflictError, executeStatements } from "../../cloudflare/d1.ts";
import { toInsertStatements, toSqlLiteral } from "../../cloudflare/d1-sql.ts";
import { sha256 } from "../../cloudflare/r2.ts";
import { UserError } from "../../cloudflare/user-error.ts";
import { query, type Target } from "../../cloudflare/wrangler.ts";
import { keys } from "../../src/db/registry/schema.ts";
import type { Scope } from "../../src/domain/access.ts";

/** A key in the registry, without its hash. Times are ISO 8601. */
export interface KeyRecord {
  readonly name: string;
  readonly scopes: readonly string[];
  readonly createdAt: string;
  readonly lastUsedAt: string | null;
  readonly expiresAt: string | null;
  readonly revokedAt: string | null;
}

/**
 * Creates a key and returns it. It cannot be read again, because the registry stores only its hash.
 * @throws UserError if the name is taken
 */
export async function createKey(
  target: Target,
  key: { readonly name: string; readonly scopes: Scope[]; readonly expiresAt: string | null },
): Promise<string> {
  // No search can find 256 random bits, so a fast hash is safe here.
  const secret = `facet_${randomBytes(32).toString("base64url")}`;
  const row = { ...key, hash: sha256(Buffer.from(secret)), createdAt: new Date().toISOString() };
  const createdQuery = `SELECT 1 FROM keys WHERE hash = ${toSqlLiteral(row.hash)}`;
  await executeStatements(target, toInsertStatements(keys, [row]), createdQuery).catch((error) => {
    throw error instanceof ConflictError ? new UserError(`a key named ${key.name} already exists`) : error;
  });
  return secret;
}

export async function listKeys(target: Target): Promise<KeyRecord[]> {
  const [rows = []] = await query(target, [
    `SELECT name, scopes, created_at AS createdAt, last_used_at AS lastUsedAt, expires_at AS expiresAt,
       revoked_at AS revokedAt FROM keys ORDER BY created_at`,
  ]);
  return rows.map((row) => ({ ...row, scopes: JSON.parse(String(row.scopes)) }) as KeyRecord);
}

/** @throws UserError if no valid key has the name */
export async function revokeKey(target: Target, name: string): Promise<void> {
  const condition = `name = ${toSqlLiteral(name)} AND revoked_at IS NULL`;
  const [[found] = []] = await query(target, [`SELECT count(*) AS count FROM keys WHERE ${condition}`]);
  if (found?.count !== 1) throw new UserError(`no valid key is named ${name}`);
  await executeStatements(target, [
    `UPDATE keys SET revoked_at = ${toSqlLiteral(new Date().toISOString())} WHERE ${condition};`,
  ]);
}
