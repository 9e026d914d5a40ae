import { readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseEnv } from "node:util";
import { startProcessGroup } from "./process-group.ts";
import type { ServeOptions } from "./serve-worker.ts";
import { REPOSITORY_ROOT } from "./wrangler.ts";

const SERVE_WORKER = join(import.meta.dirname, "serve-worker.ts");

const READY_TIMEOUT_MS = 120_000;
const READY_POLL_INTERVAL_MS = 250;
/** A request that hangs is aborted after this time, so that {@link DevServer.waitUntilReady} polls again. */
const READY_REQUEST_TIMEOUT_MS = 30_000;

/**
 * The settings of `.env`, which the command `wrangler` reads itself: no explorer, and no requests to Cloudflare.
 */
const DEV_ENVIRONMENT = {
  ...parseEnv(readFileSync(join(REPOSITORY_ROOT, ".env"), "utf8")),
  WRANGLER_HIDE_BANNER: "true",
};

/** The Worker's variables for development: no keys and no rate limits, only at the names of this machine. */
export function readDevelopmentVars(): Record<string, string> {
  return parseEnv(readFileSync(join(REPOSITORY_ROOT, ".dev.vars"), "utf8")) as Record<string, string>;
}

export interface DevServerOptions {
  /** Port on localhost. Default: a free port on 127.0.0.1. */
  readonly port?: number;
  /** Folder of the simulated D1 and R2. Default: wrangler's own, `.wrangler/state`. */
  readonly state?: string;
  /** Folder that wrangler runs in and whose wrangler.toml it reads. Default: this repository. */
  readonly project?: string;
  /** Path of another configuration file than the project's wrangler.toml. */
  readonly config?: string;
  /**
   * Variables of the Worker that override those of the configuration, such as `{ ACCESS: "open" }`. Those of
   * `.dev.vars` do not count: without this option the Worker has the variables of a deployment.
   */
  readonly vars?: Readonly<Record<string, string>>;
  /** Which output of wrangler this process shows. Default: "errors". */
  readonly output?: "all" | "errors" | "none";
}

/** A running server. */
export interface DevServer {
  /** Base address without a slash at the end, such as `http://127.0.0.1:8787`. */
  readonly url: string;
  /**
   * Resolves when the server has exited: with its exit code, or null if a signal or {@link stop} ended it.
   */
  readonly exited: Promise<number | null>;
  /**
   * Polls a path until it answers with a 2xx status.
   * @returns false if the timeout passes first, or if the server exits.
   */
  waitUntilReady(path: string, timeoutMs?: number): Promise<boolean>;
  /** Sends the signal to the server and to every process that it started, and waits until it has exited. */
  stop(signal?: NodeJS.Signals): Promise<void>;
}

/**
 * Starts the server of `wrangler dev` and returns at once. The server ends with this process, however that
 * ends. A signal from the terminal does not reach it: the caller handles SIGINT and SIGTERM and calls
 * {@link DevServer.stop}.
 */
export async function startDevServer(options: DevServerOptions = {}): Promise<DevServer> {
  const { output = "errors" } = options;
  const port = options.port ?? (await findFreePort());
  const project = options.project ?? REPOSITORY_ROOT;
  const hostname = options.port === undefined ? "127.0.0.1" : "localhost";
  const serveOptions: ServeOptions = {
    hostname,
    port,
    config: resolve(project, options.config ?? "wrangler.toml"),
    state: options.state ?? join(project, ".wrangler/state"),
    vars: options.vars ?? {},
    logLevel: output === "all" ? "log" : "error",
  };
  const group = startProcessGroup([SERVE_WORKER, JSON.stringify(serveOptions)], {
    cwd: project,
    stdout: output === "all" ? "inherit" : "ignore",
    stderr: output === "none" ? "ignore" : "inherit",
    environment: { ...process.env, ...DEV_ENVIRONMENT },
  });
  let isStopped = false;
  const exited = group.exited.then((code) => (isStopped ? null : code));
  // A caller that only waits for the server to be ready does not handle this promise.
  exited.catch(() => {});

  const url = `http://${hostname}:${port}`;
  return {
    url,
    exited,
    waitUntilReady: (path, timeoutMs = READY_TIMEOUT_MS) =>
      waitUntilReady(`${url}${path}`, timeoutMs, exited),
    async stop(signal = "SIGTERM") {
      isStopped = true;
      group.signal(signal);
      await exited;
    },
  };
}

async function waitUntilReady(url: string, timeoutMs: number, exited: Promise<unknown>): Promise<boolean> {
  const stopWaiting = new AbortController();
  const stop = () => stopWaiting.abort();
  exited.then(stop, stop);
  const signal = AbortSignal.any([stopWaiting.signal, AbortSignal.timeout(timeoutMs)]);
  while (!signal.aborted) {
    if (await isOk(url, signal)) return true;
    await sleep(READY_POLL_INTERVAL_MS, undefined, { signal }).catch(() => {});
  }
  return false;
}

async function isOk(url: string, signal: AbortSignal): Promise<boolean> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(READY_REQUEST_TIMEOUT_MS)]),
    });
    await response.body?.cancel();
    return response.ok;
  } catch {
    return false;
  }
}

/** A TCP port on 127.0.0.1 that nobody listens on at the moment. */
export function findFreePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address !== null && typeof address === "object") resolve(address.port);
        else reject(new Error("the operating system gave no port"));
      });
    });
  });
}
