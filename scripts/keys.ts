/** `npm run keys -- create|list|revoke`: the API keys of callers. */
import { parseArgs } from "node:util";
import Table from "cli-table3";
import { UserError } from "../cloudflare/user-error.ts";
import type { Target } from "../cloudflare/wrangler.ts";
import { ANONYMOUS, SCOPES, type Scope } from "../src/domain/access.ts";
import { createKey, listKeys, revokeKey } from "../training/registry/keys.ts";
import { readRegistry } from "../training/registry/read-registry.ts";
import { readTarget, runCommand, TARGET_OPTIONS } from "./cli.ts";

const USAGE = `npm run keys -- create --name shop --scopes predict,appraise [--days 365]
npm run keys -- list
npm run keys -- revoke --name shop
(and --state DIR or --remote)`;

await runCommand(async (args) => {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      ...TARGET_OPTIONS,
      name: { type: "string" },
      scopes: { type: "string" },
      days: { type: "string" },
    },
  });
  const target = readTarget(values);
  const [command] = positionals;
  if (command === "list") return list(target);
  if (command !== "create" && command !== "revoke") throw new UserError(USAGE);
  const name = values.name?.trim();
  if (!name || name.length > 64)
    throw new UserError(`--name is missing or longer than 64 characters\n\n${USAGE}`);
  if (command === "revoke") return revoke(target, name);
  // What a caller sends in is kept as its name, a colon, and its words: a name must not look like another's.
  if (name.includes(":") || name === ANONYMOUS)
    throw new UserError(`--name must have no colon, and not be ${ANONYMOUS}`);
  return create(target, name, readScopes(values.scopes), readExpiry(values.days));
});

function readScopes(text: string | undefined): Scope[] {
  const named = text?.split(",").map((scope) => scope.trim()) ?? [];
  const scopes = SCOPES.filter((scope) => named.includes(scope));
  if (scopes.length === 0 || scopes.length !== new Set(named).size) {
    throw new UserError(`--scopes must be some of ${SCOPES.join(",")}`);
  }
  return scopes;
}

function readExpiry(days: string | undefined): string | null {
  if (days === undefined) return null;
  if (!/^[1-9]\d{0,4}$/.test(days)) throw new UserError("--days must be a whole number from 1 to 99999");
  return new Date(Date.now() + Number(days) * 86_400_000).toISOString();
}

async function create(
  target: Target,
  name: string,
  scopes: Scope[],
  expiresAt: string | null,
): Promise<void> {
  await readRegistry(target);
  console.log(await createKey(target, { name, scopes, expiresAt }));
  console.log(`\nThis is the only time that the key of ${name} (${scopes.join(", ")}) is shown.`);
}

async function list(target: Target): Promise<void> {
  await readRegistry(target);
  const table = new Table({
    head: ["name", "scopes", "created", "last used", "expires", "revoked"],
    style: { head: [], border: [] },
  });
  for (const { name, scopes, created, lastUsed, expires, revoked } of await listKeys(target)) {
    const times = [created, lastUsed, expires, revoked].map((time) => time?.slice(0, 16) ?? "");
    table.push([name, scopes.join(", "), ...times]);
  }
  console.log(table.toString());
}

async function revoke(target: Target, name: string): Promise<void> {
  await readRegistry(target);
  await revokeKey(target, name);
  console.log(`The key of ${name} is revoked; every location stops taking it within 15 seconds.`);
}
