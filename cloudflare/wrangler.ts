import { execFile } from "node:child_process";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pLimit from "p-limit";
import { withTemporaryFolder } from "./temporary-folder.ts";
import { UserError } from "./user-error.ts";
import { DATABASE } from "./worker-config.ts";
import {
  describeFailures,
  type FailedRequest,
  findErrorReason,
  findRetryAfterMs,
} from "./wrangler-output.ts";

/** The place that is read and written: Cloudflare, or the simulated D1 and R2 in a folder of this machine. */
export type Target = { readonly kind: "remote" } | { readonly kind: "local"; readonly state: string };

export const REPOSITORY_ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
/**
 * The script of the `wrangler` command. It runs in this process's Node, because wrangler refuses older ones.
 */
export const WRANGLER = join(
  dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
  "bin/wrangler.js",
);
/** A module that wrangler's process loads first. It must be a URL on Windows. */
const RECORD_FAILURES = new URL("record-failures.ts", import.meta.url).href;
/**
 * No questions, no colours, no log files and no telemetry. The compile cache makes later calls start faster.
 */
const WRANGLER_ENVIRONMENT = {
  CI: "true",
  NODE_COMPILE_CACHE: join(REPOSITORY_ROOT, "node_modules/.cache/v8"),
  NO_COLOR: "1",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_WRITE_LOGS: "false",
};
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;
const MAX_ATTEMPTS = 6;
const FIRST_RETRY_DELAY_MS = 500;
/** Cloudflare blocks an account that exceeded its limit of requests for five minutes. */
const MAX_RETRY_AFTER_MS = 6 * 60_000;
/** A longer wait is reported, because the command seems to hang. */
const LONG_WAIT_MS = 5000;
/** At most two calls run at a time, because each call is a process that keeps a core busy for a second. */
const limitCalls = pLimit(2);
/**
 * Transient errors that no status tells: another process writes to the local state (the simulated bucket then
 * answers 500 without a message), the database has a fault, or the network failed.
 */
export const TRANSIENT_ERROR =
  /SQLITE_BUSY|database is locked|CF-R2-Error|Network connection lost|object to be reset|code was updated|D1 reset before|internal error|did not upload successfully|fetch failed|ETIMEDOUT|ECONNRESET/;

/** A call of wrangler failed. The message has Cloudflare's reason, and never a token. */
export class WranglerError extends UserError {
  /** Everything that wrangler printed. */
  readonly output: string;
  readonly failedRequests: readonly FailedRequest[];

  constructor(command: string, output: string, failedRequests: readonly FailedRequest[] = []) {
    const text = removeSecrets(output);
    super(`wrangler ${command} failed: ${findErrorReason(text)}${describeFailures(failedRequests)}`);
    this.output = text;
    this.failedRequests = failedRequests;
  }

  /** Whether the same call may succeed later. */
  get isTransient(): boolean {
    return this.failedRequests.length > 0 || TRANSIENT_ERROR.test(this.output);
  }
}

function removeSecrets(text: string): string {
  const secrets = [process.env.CLOUDFLARE_API_TOKEN, process.env.CLOUDFLARE_API_KEY];
  return secrets.reduce<string>((rest, secret) => (secret ? rest.replaceAll(secret, "***") : rest), text);
}

/**
 * Runs wrangler on the target and returns its standard output. Local and remote calls differ only in their
 * target flags. Transient errors are retried, so every call must be safe to repeat.
 * @throws WranglerError
 */
export function runWranglerOn(target: Target, args: readonly string[]): Promise<Buffer> {
  const targetFlags = target.kind === "remote" ? ["--remote"] : ["--local", "--persist-to", target.state];
  return limitCalls(() => runWranglerWithRetry([...args, ...targetFlags]));
}

/**
 * Runs wrangler, and repeats the call after transient errors: so it must be safe to repeat. It waits at least as
 * long as Cloudflare asks for.
 * @throws WranglerError
 */
export async function runWranglerWithRetry(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Buffer> {
  for (let attempt = 1; ; attempt++) {
    let retryAfterMs: number;
    try {
      return await runWrangler(args, environment);
    } catch (error) {
      if (!(error instanceof WranglerError) || !error.isTransient || attempt === MAX_ATTEMPTS) throw error;
      retryAfterMs = findRetryAfterMs(error.failedRequests);
      if (retryAfterMs > MAX_RETRY_AFTER_MS) throw error;
      if (retryAfterMs > LONG_WAIT_MS)
        console.warn(`${error.message}: waiting ${Math.ceil(retryAfterMs / 1000)} s as Cloudflare asks`);
    }
    const jitter = 0.5 + Math.random();
    await sleep(Math.max(retryAfterMs, FIRST_RETRY_DELAY_MS * 2 ** (attempt - 1) * jitter));
  }
}

/**
 * Runs wrangler once, exactly with the given arguments, and returns its standard output.
 * @param environment variables in addition to those of this process
 * @throws WranglerError
 */
export function runWrangler(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Buffer> {
  return withTemporaryFolder(async (folder) => {
    const failuresFile = join(folder, "failures.json");
    const env = {
      ...process.env,
      ...WRANGLER_ENVIRONMENT,
      FACET_FAILURES_FILE: failuresFile,
      ...environment,
    };
    // A local call makes no requests to Cloudflare.
    const nodeOptions = args.includes("--local") ? [] : ["--import", RECORD_FAILURES];
    const { error, stdout, stderr } = await runNode([...nodeOptions, WRANGLER, ...args], env);
    if (error === null) return stdout;
    const failures = await readFile(failuresFile, "utf8").then(JSON.parse, () => []);
    throw new WranglerError(args.slice(0, 3).join(" "), `${stderr}\n${stdout}`, failures);
  });
}

function runNode(
  args: readonly string[],
  env: NodeJS.ProcessEnv,
): Promise<{ error: Error | null; stdout: Buffer; stderr: Buffer }> {
  const options = { cwd: REPOSITORY_ROOT, encoding: "buffer", maxBuffer: MAX_OUTPUT_BYTES, env } as const;
  return new Promise((resolve) =>
    execFile(process.execPath, args, options, (error, stdout, stderr) => resolve({ error, stdout, stderr })),
  );
}

/** The rows that one statement returns. */
export type Rows = Record<string, unknown>[];

/** Runs SQL statements on the registry's database and returns the rows of each. */
export async function query(target: Target, statements: readonly string[]): Promise<Rows[]> {
  const sql = statements.join("; ");
  const output = await runWranglerOn(target, ["d1", "execute", DATABASE, "--json", "--command", sql]);
  const results = JSON.parse(output.toString()) as { results: Rows }[];
  return results.map((result) => result.results);
}
