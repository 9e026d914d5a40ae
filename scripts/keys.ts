/** `npm run keys -- create|list|revoke`: manages the API keys of callers. */
import Table from "cli-table3";
import { addTargetOptions, createCommand, readTarget, runCommand } from "../cloudflare/command-line.ts";
import { UserError } from "../cloudflare/user-error.ts";
import { ANONYMOUS, SCOPES, type Scope } from "../src/domain/access.ts";
import { DAY_MS } from "../src/lib/time.ts";
import { createKey, listKeys, revokeKey } from "../training/registry/keys.ts";
import { readRegistry } from "../training/registry/read-registry.ts";
import { writeRegistryCopy } from "../training/registry/write-copy.ts";

const MAX_NAME_LENGTH = 64;

const program = addTargetOptions(createCommand("npm run keys --")).description(
  "Manages the API keys of callers.",
);
program
  .command("create")
  .description("create a key and print it")
  .requiredOption("--name <name>", "name of the caller", parseNewName)
  .requiredOption("--scopes <scopes>", `separated by commas: ${SCOPES.join(", ")}`, parseScopes)
  .option("--days <number>", "the key expires after these days (default: never)", parseDays)
  .action(create);
program.command("list").description("list all keys").action(list);
program
  .command("revoke")
  .description("revoke a key")
  .requiredOption("--name <name>", "name of the caller", parseName)
  .action(revoke);

await runCommand(async () => {
  await program.parseAsync();
});

function parseName(text: string): string {
  const name = text.trim();
  if (name === "" || name.length > MAX_NAME_LENGTH)
    throw new UserError(`--name must have 1 to ${MAX_NAME_LENGTH} characters`);
  return name;
}

function parseNewName(text: string): string {
  const name = parseName(text);
  // An appraisal's source is the caller's name, a colon and the caller's text. A colon in a name would make
  // the sources of two callers look alike.
  if (name.includes(":") || name === ANONYMOUS)
    throw new UserError(`--name must not contain a colon or be "${ANONYMOUS}"`);
  return name;
}

function parseScopes(text: string): Scope[] {
  const names = text.split(",").map((name) => name.trim());
  const scopes = SCOPES.filter((scope) => names.includes(scope));
  if (scopes.length === 0 || scopes.length !== new Set(names).size)
    throw new UserError(`--scopes must be one or more of ${SCOPES.join(",")}`);
  return scopes;
}

function parseDays(text: string): number {
  if (!/^[1-9]\d{0,4}$/.test(text)) throw new UserError("--days must be a whole number from 1 to 99999");
  return Number(text);
}

async function create(options: { name: string; scopes: Scope[]; days?: number }): Promise<void> {
  const { name, scopes, days } = options;
  const expiresAt = days === undefined ? null : new Date(Date.now() + days * DAY_MS).toISOString();
  const target = readTarget(program.opts());
  await readRegistry(target);
  // The key is printed at once: it cannot be read again.
  console.log(await createKey(target, { name, scopes, expiresAt }));
  await writeRegistryCopy(target);
  console.log(`\nThe key of ${name} (${scopes.join(", ")}) is shown only this once.`);
}

async function list(): Promise<void> {
  const target = readTarget(program.opts());
  await readRegistry(target);
  const table = new Table({
    head: ["name", "scopes", "created", "last used", "expires", "revoked"],
    style: { head: [], border: [] },
  });
  for (const { name, scopes, createdAt, lastUsedAt, expiresAt, revokedAt } of await listKeys(target)) {
    const times = [createdAt, lastUsedAt, expiresAt, revokedAt].map((time) => time?.slice(0, 16) ?? "");
    table.push([name, scopes.join(", "), ...times]);
  }
  console.log(table.toString());
}

async function revoke({ name }: { name: string }): Promise<void> {
  const target = readTarget(program.opts());
  await readRegistry(target);
  await revokeKey(target, name);
  await writeRegistryCopy(target);
  console.log(`The key of ${name} is revoked. Every location refuses it within 15 seconds.`);
}
