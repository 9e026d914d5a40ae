import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import pLimit from "p-limit";
import { UserError } from "./user-error.ts";

/** The place that is read and written: Cloudflare, or the simulated D1 and R2 in a folder of this machine. */
export type Target = { readonly kind: "remote" } | { readonly kind: "local"; readonly state: string };

export const DATABASE = "facet-registry";
export const LOG_DATABASE = "facet-log";
export const BUCKET = "facet-models";

export const REPOSITORY_ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
/**
 * The script of the `wrangler` command. It runs in this process's Node, because wrangler refuses older ones.
 */
export const WRANGLER = join(
  dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
  "bin/wrangler.js",
);
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
/** At most two calls run at a time, because each call is a process that keeps a core busy for a second. */
const limitCalls = pLimit(2);
/**
 * Transient errors: another process writes to the local state (the simulated bucket then answers 500 without
 * a message), the service has a fault, or the network failed.
 */
export const TRANSIENT_ERROR =
  /SQLITE_BUSY|database is locked|CF-R2-Error|Network connection lost|object to be reset|code was updated|internal error|fetch failed|ETIMEDOUT|ECONNRESET/;

/** A call of wrangler failed, and a retry would not help. */
export class WranglerError extends UserError {
  /** Everything that wrangler printed. */
  readonly output: string;

  constructor(command: string, output: string) {
    super(`wrangler ${command} failed: ${findErrorLine(output)}`);
    this.output = output;
  }
}

/**
 * Runs wrangler on the target and returns its standard output. Local and remote calls differ only in their
 * target flags. Transient errors are retried, so every call must be safe to repeat.
 * @throws WranglerError
 */
export function runWranglerOn(target: Target, args: readonly string[]): Promise<Buffer> {
  const targetFlags = target.kind === "remote" ? ["--remote"] : ["--local", "--persist-to", target.state];
  return limitCalls(() => runWithRetry([...args, ...targetFlags]));
}

async function runWithRetry(args: readonly string[]): Promise<Buffer> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await runWrangler(args);
    } catch (error) {
      const isTransient = error instanceof WranglerError && TRANSIENT_ERROR.test(error.output);
      if (!isTransient || attempt === MAX_ATTEMPTS) throw error;
    }
    const jitter = 0.5 + Math.random();
    await sleep(FIRST_RETRY_DELAY_MS * 2 ** (attempt - 1) * jitter);
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
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [WRANGLER, ...args],
      {
        cwd: REPOSITORY_ROOT,
        encoding: "buffer",
        maxBuffer: MAX_OUTPUT_BYTES,
        env: { ...process.env, ...WRANGLER_ENVIRONMENT, ...environment },
      },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new WranglerError(args.slice(0, 3).join(" "), `${stderr}\n${stdout}`));
      },
    );
  });
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

/**
 * The error in wrangler's output as one line: a JSON field with --json, otherwise the line marked [ERROR].
 */
function findErrorLine(output: string): string {
  const json = /"text":\s*("(?:[^"\\]|\\.)*")/.exec(output)?.[1];
  if (json !== undefined) return JSON.parse(json) as string;
  const lines = output.split("\n").map((line) => line.trim());
  const errorLine = lines.find((line) => /\[ERROR\]/.test(line)) ?? lines.find((line) => /error/i.test(line));
  const firstLine = lines.find((line) => line !== "");
  return (errorLine ?? firstLine ?? "no output").replace(/^.*\[ERROR\]\s*/, "");
}
