/**
 * `npm start`: makes the local databases, trains and publishes when there is no champion yet, and serves
 * with wrangler. Started again it finds the champion and serves at once.
 */
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { dirname, join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import ora from "ora";
import { UserError } from "../cloudflare/user-error.ts";
import { DATABASE, LOG_DATABASE, type Target, WRANGLER, wrangler } from "../cloudflare/wrangler.ts";
import { SCOPES } from "../src/domain/access.ts";
import { createKey } from "../training/registry/keys.ts";
import { findChampion, readRegistry } from "../training/registry/read-registry.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const state = resolve(process.env.FACET_STATE ?? join(root, ".wrangler/state"));
const target: Target = { kind: "local", state };
const READY_TIMEOUT_MS = 120_000;
/** How often the log is kept up: dead letters, counts, archive. wrangler runs no cron on this machine. */
const UPKEEP_MS = 60_000;
const STONE = '{"carat":1.1,"cut":"Ideal","color":"H","clarity":"SI2"}';

try {
  const port = readPort(process.env.PORT);
  await checkFree(port);
  await prepare();
  await serve(port);
} catch (error) {
  if (!(error instanceof UserError)) throw error;
  console.error(error.message);
  process.exitCode = error.exitCode;
}

function readPort(text: string | undefined): number {
  const port = Number(text ?? 8787);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new UserError("PORT must be a number from 1 to 65535");
  return port;
}

/** Before anything else is done: another server on the port would answer in the place of this one. */
function checkFree(port: number): Promise<void> {
  return new Promise((done, fail) => {
    const probe = createServer();
    probe.once("error", (cause) =>
      fail(new UserError(`port ${port} cannot be used: ${cause.message}; PORT names another`, { cause })),
    );
    probe.listen(port, () => probe.close(() => done()));
  });
}

/** Databases with all migrations, and a champion. */
async function prepare(): Promise<void> {
  const spinner = ora("preparing the local databases").start();
  await Promise.all(
    [DATABASE, LOG_DATABASE].map((database) => wrangler(target, ["d1", "migrations", "apply", database])),
  );
  const champion = findChampion(await readRegistry(target));
  const key = await adminKey();
  spinner.succeed(
    champion ? `champion: ${champion.name}@${champion.version}` : "no champion yet: training one",
  );
  console.log(`admin key: ${key}`);
  if (champion === null) await run(process.execPath, [join(root, "training/train.ts"), "--state", state]);
}

/** The key for what always needs one, made once and kept beside the local databases. */
async function adminKey(): Promise<string> {
  const path = join(state, "admin-key");
  const kept = await readFile(path, "utf8").catch(() => null);
  if (kept !== null) return kept.trim();
  const name = `local-admin-${Date.now()}`;
  const key = await createKey(target, { name, scopes: [...SCOPES], expiresAt: null });
  await writeFile(path, `${key}\n`, { mode: 0o600 });
  return key;
}

function run(command: string, args: readonly string[]): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(command, args, { cwd: root, stdio: "inherit" });
    child.on("error", fail);
    child.on("exit", (code) => {
      if (code === 0) done();
      else fail(new UserError("the training failed; see above", { exitCode: code ?? 1 }));
    });
  });
}

async function serve(port: number): Promise<void> {
  const args = [
    WRANGLER,
    "dev",
    "--port",
    String(port),
    "--persist-to",
    state,
    "--show-interactive-dev-session=false",
    // On this machine anyone may ask and appraise, and as much as they like; deployments ask for keys and
    // limit (wrangler.toml).
    "--var",
    "ACCESS:open",
    "--var",
    "RATE_LIMITS:off",
  ];
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ["ignore", "inherit", "inherit"],
    env: {
      ...process.env,
      // Local development needs no request metadata from Cloudflare, nor a network.
      CLOUDFLARE_CF_FETCH_ENABLED: "false",
      WRANGLER_SEND_METRICS: "false",
      WRANGLER_HIDE_BANNER: "true",
    },
  });
  const stop = (signal: NodeJS.Signals) => child.kill(signal);
  process.on("SIGINT", stop);
  process.on("SIGTERM", stop);
  const ended = new Promise<void>((done, fail) => {
    child.on("error", fail);
    child.on("exit", (code, signal) => {
      if (code === 0 || signal !== null) done();
      else fail(new UserError(`the server ended with code ${code}`, { exitCode: code ?? 1 }));
    });
  });
  const over = new AbortController();
  const running = ended.finally(() => over.abort());
  await Promise.all([running, announce(port, over.signal)]);
}

/** Waits until the Worker answers, says where, and keeps up what Cloudflare's cron does for a deployed one. */
async function announce(port: number, over: AbortSignal): Promise<void> {
  const url = `http://localhost:${port}`;
  const deadline = Date.now() + READY_TIMEOUT_MS;
  let ready = false;
  while (!ready && !over.aborted && Date.now() < deadline) {
    ready = await fetch(`${url}/ready`, { signal: over }).then(
      ({ ok }) => ok,
      () => false,
    );
    if (!ready) await pause(250, over);
  }
  if (over.aborted) return;
  console.log(`
  Facet serves at  ${url}
  API docs         ${url}/docs

  curl -s ${url}/v1/predictions -H 'content-type: application/json' -d '${STONE}'
`);
  if (!ready) console.log(`  It is not ready to price yet: ${url}/ready says why.\n`);
  while (!over.aborted) {
    await fetch(`${url}/cdn-cgi/handler/scheduled`, { signal: over }).catch(() => {});
    await pause(UPKEEP_MS, over);
  }
}

/** Waits, but not longer than the server runs. */
function pause(ms: number, over: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal: over }).catch(() => {});
}
