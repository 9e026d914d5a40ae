import { readdirSync } from "node:fs";
import { join } from "node:path";
import { UserError } from "../../cloudflare/user-error.ts";
import {
  BUCKET,
  DATABASE,
  DATABASES,
  type DatabaseConfig,
  WORKER_NAME,
} from "../../cloudflare/worker-config.ts";
import { REPOSITORY_ROOT, WranglerError } from "../../cloudflare/wrangler.ts";
import { CHAMPION } from "../../src/domain/models/model-selector.ts";
import { readDeployment } from "../progressive-rollout.ts";
import type { DeployDependencies } from "./dependencies.ts";

/** A database on Cloudflare. */
export interface DatabaseState {
  readonly exists: boolean;
  /** Names of the migrations that it does not have yet, in their order. */
  readonly pendingMigrations: readonly string[];
}

/** What the account has of Facet. */
export interface AccountState {
  /** By name. */
  readonly databases: ReadonlyMap<string, DatabaseState>;
  readonly hasBucket: boolean;
  /** Such as `gradient-boosting@1`; null if there is none. */
  readonly champion: string | null;
  /** Number of keys, including revoked ones. */
  readonly keys: number;
  /** The version that callers get; null if the Worker was never deployed. */
  readonly worker: { readonly version: string; readonly commit: string | null } | null;
}

type RunWrangler = Pick<DeployDependencies, "runWrangler">;

export const LOGIN_HELP = "run `npx wrangler login`, or set CLOUDFLARE_API_TOKEN (docs/deploy.md)";

/** Whether wrangler has a login or a token. Nothing is known about its rights then. */
export async function hasLogin({
  hasToken,
  runWrangler,
}: Pick<DeployDependencies, "hasToken" | "runWrangler">): Promise<boolean> {
  if (hasToken) return true;
  try {
    await runWrangler(["whoami", "--json"]);
    return true;
  } catch (error) {
    // A token in a file such as .env.local may lack the right to read its user. It may deploy all the same.
    if (!(error instanceof WranglerError)) throw error;
    return !/"loggedIn":\s*false/.test(error.output);
  }
}

/**
 * Reads what the account has of Facet, and changes nothing.
 * @throws UserError if the login is refused, or not enough to choose an account
 */
export async function readAccountState(dependencies: RunWrangler): Promise<AccountState> {
  const names = await listDatabases(dependencies).catch(explainRefusal);
  const databases = new Map<string, DatabaseState>();
  for (const database of DATABASES)
    databases.set(database.name, await readDatabase(dependencies, database, names));
  const hasBucket = await findBucket(dependencies).catch(explainRefusal);
  const registry = await readRegistryState(dependencies, databases.get(DATABASE));
  const worker = await readWorker(dependencies);
  if (worker !== null && ![...databases.values()].some(({ exists }) => exists)) {
    throw new UserError(
      `the account has a Worker ${WORKER_NAME} but none of its databases, so it may be another project; change \`name\` in wrangler.toml, or create the database first: npx wrangler d1 create ${DATABASES[0]?.name}`,
    );
  }
  return { databases, hasBucket, ...registry, worker };
}

/** Explains why Cloudflare refused the first calls, in the words of somebody who set up the login. */
function explainRefusal(error: unknown): never {
  // The code of an internal error can be that of a refused login.
  if (!(error instanceof WranglerError) || error.isTransient) throw error;
  const { output } = error;
  if (/More than one account/.test(output)) {
    const ids = [...output.matchAll(/`([0-9a-f]{32})`/g)].map(([, id]) => id);
    throw new UserError(
      `the login has several accounts: set CLOUDFLARE_ACCOUNT_ID to one of ${ids.join(", ")}`,
      {
        cause: error,
      },
    );
  }
  if (/code: (1000|9109|10000|10001)\]|Authentication error|Invalid API Token/i.test(output)) {
    throw new UserError(
      `Cloudflare refuses the login: ${LOGIN_HELP}. A token needs the rights D1: Edit, Workers R2 Storage: Edit and Workers Scripts: Edit, for the account in CLOUDFLARE_ACCOUNT_ID`,
      { cause: error },
    );
  }
  if (/code: 700[03]\]/.test(output)) {
    throw new UserError("Cloudflare knows no account with the id in CLOUDFLARE_ACCOUNT_ID", { cause: error });
  }
  if (/code: 10042\]/.test(output)) {
    throw new UserError("R2 is not switched on: open R2 in the Cloudflare dashboard once", { cause: error });
  }
  throw error;
}

async function listDatabases({ runWrangler }: RunWrangler): Promise<Set<string>> {
  const list = JSON.parse(await runWrangler(["d1", "list", "--json"])) as { name: string }[];
  return new Set(list.map(({ name }) => name));
}

async function findBucket({ runWrangler }: RunWrangler): Promise<boolean> {
  const list = await runWrangler(["r2", "bucket", "list"]);
  return [...list.matchAll(/^name:\s*(\S+)$/gm)].some(([, name]) => name === BUCKET);
}

async function readDatabase(
  dependencies: RunWrangler,
  { name, migrations }: DatabaseConfig,
  existing: ReadonlySet<string>,
): Promise<DatabaseState> {
  const files = readdirSync(join(REPOSITORY_ROOT, migrations)).filter((file) => file.endsWith(".sql"));
  if (!existing.has(name)) return { exists: false, pendingMigrations: files.sort() };
  const rows = await queryDatabase(dependencies, name, "SELECT name FROM d1_migrations");
  const applied = new Set(rows.map((row) => row.name));
  return { exists: true, pendingMigrations: files.filter((file) => !applied.has(file)).sort() };
}

async function readRegistryState(
  dependencies: RunWrangler,
  database: DatabaseState | undefined,
): Promise<Pick<AccountState, "champion" | "keys">> {
  if (!database?.exists) return { champion: null, keys: 0 };
  const [row] = await queryDatabase(
    dependencies,
    DATABASE,
    `SELECT (SELECT name || '@' || version FROM aliases WHERE alias = '${CHAMPION}') AS champion, (SELECT count(*) FROM keys) AS keys`,
  );
  return { champion: (row?.champion as string | null | undefined) ?? null, keys: Number(row?.keys ?? 0) };
}

/** The rows of a query; none if its tables do not exist yet. */
async function queryDatabase(
  { runWrangler }: RunWrangler,
  database: string,
  sql: string,
): Promise<Record<string, unknown>[]> {
  try {
    const output = await runWrangler(["d1", "execute", database, "--remote", "--json", "--command", sql]);
    return (JSON.parse(output) as { results: Record<string, unknown>[] }[])[0]?.results ?? [];
  } catch (error) {
    if (error instanceof WranglerError && /no such table/.test(error.output)) return [];
    throw error;
  }
}

async function readWorker(dependencies: RunWrangler): Promise<AccountState["worker"]> {
  const deployment = await readDeployment(dependencies);
  if (deployment === null) return null;
  const { version, percentage } = deployment;
  // A rollout that stopped on its way is not complete, whatever commit it was.
  if (percentage < 100) return { version, commit: null };
  const output = await dependencies.runWrangler(["versions", "view", version, "--json"]);
  const { annotations } = JSON.parse(output) as { annotations?: Record<string, string> };
  return { version, commit: annotations?.["workers/tag"] ?? null };
}
