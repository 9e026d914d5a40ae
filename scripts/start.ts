/**
 * `npm start`: creates the local databases, trains and publishes models if there is no champion, and serves
 * the Worker with `wrangler dev`.
 */
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runCommand } from "../cloudflare/command-line.ts";
import { applyMigrations } from "../cloudflare/d1.ts";
import { readDevelopmentVars, startDevServer } from "../cloudflare/dev-server.ts";
import { createSpinner } from "../cloudflare/spinner.ts";
import { UserError } from "../cloudflare/user-error.ts";
import { REPOSITORY_ROOT, type Target } from "../cloudflare/wrangler.ts";
import { SCOPES } from "../src/domain/access.ts";
import { createKey } from "../training/registry/keys.ts";
import { findChampion, readRegistry } from "../training/registry/read-registry.ts";
import { writeRegistryCopy } from "../training/registry/write-copy.ts";
import { stopWithNpm } from "./stop-with-npm.ts";
import { trainModels } from "./train-models.ts";

const DEFAULT_PORT = 8787;
/** `wrangler dev` runs no cron, so this script runs the scheduled jobs. */
const SCHEDULED_JOBS_INTERVAL_MS = 60_000;
const EXAMPLE_BODY = '{"carat":1.1,"cut":"Ideal","color":"H","clarity":"SI2"}';

const state = resolve(process.env.FACET_STATE ?? join(REPOSITORY_ROOT, ".wrangler/state"));
const target: Target = { kind: "local", state };

await runCommand(async () => {
  const port = readPort(process.env.PORT);
  await checkPortIsFree(port);
  stopWithNpm();
  const adminKey = await prepareState();
  await serve(port, adminKey);
});

function readPort(text: string | undefined): number {
  const port = Number(text ?? DEFAULT_PORT);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new UserError("PORT must be a number from 1 to 65535");
  return port;
}

/** If another server used the port, it would answer instead of this one. */
function checkPortIsFree(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", (cause) =>
      reject(
        new UserError(`port ${port} cannot be used (${cause.message}); set PORT to another port`, { cause }),
      ),
    );
    server.listen(port, () => server.close(() => resolve()));
  });
}

/**
 * Applies all migrations, creates the admin key, and trains models if there is no champion.
 * @returns the admin key
 */
async function prepareState(): Promise<string> {
  const spinner = createSpinner({ text: "preparing the local databases" }).start();
  await applyMigrations(target);
  const champion = findChampion(await readRegistry(target));
  const adminKey = await readOrCreateAdminKey(champion !== null);
  spinner.succeed(
    champion ? `champion: ${champion.name}@${champion.version}` : "no champion yet: training one",
  );
  if (champion === null) await trainModels(["--state", state]);
  return adminKey;
}

/** Some endpoints always need a key. It is stored beside the local databases. */
async function readOrCreateAdminKey(hasChampion: boolean): Promise<string> {
  const path = join(state, "admin-key");
  const storedKey = await readFile(path, "utf8").catch(() => null);
  if (storedKey !== null) return storedKey.trim();
  const name = `local-admin-${Date.now()}`;
  const key = await createKey(target, { name, scopes: [...SCOPES], expiresAt: null });
  await writeFile(path, `${key}\n`, { mode: 0o600 });
  // If there is no champion yet, the training writes the copy.
  if (hasChampion) await writeRegistryCopy(target);
  return key;
}

async function serve(port: number, adminKey: string): Promise<void> {
  const server = await startDevServer({
    port,
    state,
    output: "all",
    vars: readDevelopmentVars(),
  });
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
    process.on(signal, () => void server.stop(signal));
  const stopped = new AbortController();
  const exited = server.exited.finally(() => stopped.abort());
  void exited.catch(() => {});

  const isReady = await server.waitUntilReady("/ready");
  if (!stopped.signal.aborted) {
    printAddresses(server.url, adminKey, isReady);
    await runScheduledJobs(server.url, stopped.signal);
  }
  const exitCode = await exited;
  if (exitCode !== null && exitCode !== 0)
    throw new UserError(`the server exited with code ${exitCode}`, { exitCode });
}

function printAddresses(url: string, adminKey: string, isReady: boolean): void {
  console.log(`
  Facet serves at  ${url}
  API docs         ${url}/docs
  admin key        ${adminKey}

  curl -s ${url}/v1/predictions -H 'content-type: application/json' -d '${EXAMPLE_BODY}'
`);
  if (!isReady) console.log(`  Not ready yet: ${url}/ready tells why.\n`);
}

/** Runs the scheduled jobs at once and then every minute until the server stops. */
async function runScheduledJobs(url: string, stopped: AbortSignal): Promise<void> {
  while (!stopped.aborted) {
    await fetch(`${url}/cdn-cgi/handler/scheduled`, { signal: stopped }).catch(() => {});
    await sleep(SCHEDULED_JOBS_INTERVAL_MS, undefined, { signal: stopped }).catch(() => {});
  }
}
