/** Keys of callers in the real registry, and the bindings of a deployment that asks for them. */
import { env } from "cloudflare:workers";
import { drizzle } from "drizzle-orm/d1";
import { keys } from "../../../src/db/registry/schema.ts";
import type { Scope } from "../../../src/domain/access.ts";
import { sha256 } from "../../../src/lib/sha256.ts";

/** The tests' own bindings are open: see vitest.config.ts. */
export const CLOSED: Env = withAccess("keys");

export function withAccess(access: string | undefined): Env {
  return { ...env, ACCESS: access } as Env;
}

/** Makes a key, as `npm run keys -- create` does, and returns it. */
export async function makeKey(
  name: string,
  scopes: Scope[],
  changes: Partial<typeof keys.$inferInsert> = {},
): Promise<string> {
  const random = crypto.getRandomValues(new Uint8Array(32));
  const key = `facet_${btoa(String.fromCharCode(...random))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "")}`;
  await drizzle(env.DB)
    .insert(keys)
    .values({ hash: await sha256(key), name, scopes, createdAt: new Date().toISOString(), ...changes });
  return key;
}

export async function revoke(name: string): Promise<void> {
  await env.DB.prepare("UPDATE keys SET revoked_at = ?1 WHERE name = ?2")
    .bind(new Date().toISOString(), name)
    .run();
}

export const bearer = (key: string) => ({ authorization: `Bearer ${key}` });
