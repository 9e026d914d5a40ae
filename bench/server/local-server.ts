/** A server on this machine alone, over a scratch state: what the benches of the Worker measure. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { D1Database, R2Bucket } from "@cloudflare/workers-types";
import { getPlatformProxy } from "wrangler";
import { DATABASE, LOG_DATABASE, WRANGLER, wrangler } from "../../cloudflare/wrangler.ts";

export const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const READY_MS = 120_000;

/** The stone that is asked about. */
export { EXAMPLE_STONE as STONE } from "../../src/domain/diamond.ts";

const servers = new Set<ChildProcess>();
const folders: string[] = [];
process.on("exit", () => {
  for (const server of servers) signal(server, "SIGKILL");
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => process.exit(1));

/** A folder that goes with this process. */
export function scratchFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "facet-bench-"));
  folders.push(folder);
  return folder;
}

/** Databases with all migrations, and a champion where one is asked for. */
export async function prepare(state: string, { champion }: { readonly champion: boolean }): Promise<void> {
  for (const database of [DATABASE, LOG_DATABASE])
    await wrangler({ kind: "local", state }, ["d1", "migrations", "apply", database]);
  if (champion) await run([join(ROOT, "training/train.ts"), "--state", state]);
}

export interface LocalServer {
  readonly url: string;
  /** Ends it in good order, or at once with SIGKILL. */
  stop(how?: "SIGTERM" | "SIGKILL"): Promise<void>;
}

/**
 * `wrangler dev` in a process group of its own; returns when it answers.
 * @param vars what it is told beside wrangler.toml, such as `ACCESS:open`
 */
export async function serve(
  state: string,
  { project = ROOT, vars = [] }: { readonly project?: string; readonly vars?: readonly string[] } = {},
): Promise<LocalServer> {
  const port = await freePort();
  const args = ["dev", "--ip", "127.0.0.1", "--port", `${port}`, "--inspector-port", `${await freePort()}`];
  args.push("--persist-to", state, "--show-interactive-dev-session=false", "--log-level", "error");
  args.push(...vars.flatMap((text) => ["--var", text]));
  const child = spawn(process.execPath, [WRANGLER, ...args], {
    cwd: project,
    detached: true,
    stdio: ["ignore", "ignore", "inherit"],
    env: { ...process.env, CLOUDFLARE_CF_FETCH_ENABLED: "false", WRANGLER_SEND_METRICS: "false" },
  });
  servers.add(child);
  const ended = new Promise<void>((done) => child.once("exit", () => done()));
  void ended.then(() => servers.delete(child));
  const url = `http://127.0.0.1:${port}`;
  for (const deadline = Date.now() + READY_MS; Date.now() < deadline; ) {
    if (child.exitCode !== null) throw new Error(`the server ended with code ${child.exitCode}`);
    if (await answers(`${url}/openapi.json`)) {
      const stop = async (how: NodeJS.Signals = "SIGTERM") => {
        signal(child, how);
        await ended;
      };
      return { url, stop };
    }
    await new Promise((wait) => setTimeout(wait, 250));
  }
  throw new Error(`no server within ${READY_MS} ms`);
}

function answers(url: string): Promise<boolean> {
  return fetch(url).then(
    ({ ok }) => ok,
    () => false,
  );
}

/** The server and what it started. */
function signal(server: ChildProcess, name: NodeJS.Signals): void {
  if (server.pid === undefined || server.exitCode !== null || server.signalCode !== null) return;
  process.kill(-server.pid, name);
}

/** A state through the bindings that the Worker would have, while no server is on it. */
export async function withBindings<Result>(
  state: string,
  use: (env: { LOG_DB: D1Database; MODELS: R2Bucket }) => Promise<Result>,
): Promise<Result> {
  const { env, dispose } = await getPlatformProxy<{ LOG_DB: D1Database; MODELS: R2Bucket }>({
    configPath: join(ROOT, "wrangler.toml"),
    persist: { path: join(state, "v3") },
    remoteBindings: false,
  });
  try {
    return await use(env);
  } finally {
    await dispose();
  }
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address();
      probe.close(() => done(typeof address === "object" && address ? address.port : 0));
    });
  });
}

function run(args: readonly string[]): Promise<void> {
  return new Promise((done, fail) => {
    const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "ignore", "inherit"] });
    child.on("error", fail);
    child.on("exit", (code) => (code === 0 ? done() : fail(new Error(`${args[0]} ended with code ${code}`))));
  });
}
