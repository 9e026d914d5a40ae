/**
 * `npm start`: makes the local databases, trains and publishes when there is no champion yet, and serves
 * with wrangler. Started again it finds the champion and serves at once.
 */
import { spawn } from "node:child_process";
import { readFile, writeFile } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import ora from "ora";
import { SCOPES } from "../src/domain/access.ts";
import { Failure } from "../training/failure.ts";
import { createKey } from "../training/registry/keys.ts";
import { championOf, readRegistry } from "../training/registry/state.ts";
import { DATABASE, LOG_DATABASE, type Target, WRANGLER, wrangler } from "../training/registry/wrangler.ts";

const root = join(dirname(fileURLToPath(import.meta.url)), "..");
const state = resolve(process.env.FACET_STATE ?? join(root, ".wrangler/state"));
const target: Target = { kind: "local", state };
const READY_TIMEOUT_MS = 120_000;
const STONE = '{"carat":1.1,"cut":"Ideal","color":"H","clarity":"SI2"}';

try {
  const port = readPort(process.env.PORT);
  await prepare();
  await serve(port);
} catch (error) {
  if (!(error instanceof Failure)) throw error;
  console.error(error.message);
  process.exitCode = error.exitCode;
}

function readPort(text: string | undefined): number {
  const port = Number(text ?? 8787);
  if (!Number.isInteger(port) || port < 1 || port > 65_535)
    throw new Failure("PORT must be a number from 1 to 65535");
  return port;
}

/** Databases with all migrations, and a champion. */
async function prepare(): Promise<void> {
  const spinner = ora("preparing the local databases").start();
  await Promise.all(
    [DATABASE, LOG_DATABASE].map((database) => wrangler(target, ["d1", "migrations", "apply", database])),
  );
  const champion = championOf(await readRegistry(target));
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
      else fail(new Failure("the training failed; see above", { exitCode: code ?? 1 }));
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
      else fail(new Failure(`the server ended with code ${code}`, { exitCode: code ?? 1 }));
    });
  });
  await Promise.race([announce(port), ended]);
  await ended;
}

/** Waits until the Worker answers, and says where. */
async function announce(port: number): Promise<void> {
  const url = `http://localhost:${port}`;
  const deadline = Date.now() + READY_TIMEOUT_MS;
  while (Date.now() < deadline) {
    const ready = await fetch(`${url}/ready`).catch(() => null);
    if (ready?.ok) {
      console.log(`
  Facet serves at  ${url}
  API docs         ${url}/docs

  curl -s ${url}/v1/predictions -H 'content-type: application/json' -d '${STONE}'
`);
      return;
    }
    await new Promise((next) => setTimeout(next, 250));
  }
}
