import { execFile } from "node:child_process";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import pLimit from "p-limit";
import { UserError } from "./user-error.ts";

/** Where a run publishes: Cloudflare, or the simulated D1 and R2 in a folder on this machine. */
export type Target = { readonly kind: "remote" } | { readonly kind: "local"; readonly state: string };

export const DATABASE = "facet-registry";
export const LOG_DATABASE = "facet-log";
export const BUCKET = "facet-models";

const ROOT = join(dirname(fileURLToPath(import.meta.url)), "..");
/** The script behind the `wrangler` command: run by this very Node, whatever the shell would find first. */
export const WRANGLER = join(
  dirname(createRequire(import.meta.url).resolve("wrangler/package.json")),
  "bin/wrangler.js",
);
/** No questions, no colours, no log files, no telemetry; and its code is compiled once, not at each call. */
const WRANGLER_ENVIRONMENT = {
  CI: "true",
  NODE_COMPILE_CACHE: join(ROOT, "node_modules/.cache/v8"),
  NO_COLOR: "1",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_WRITE_LOGS: "false",
};
const OUTPUT_LIMIT = 512 * 1024 * 1024;
const ATTEMPTS = 6;
/** Each call is a process that keeps a core busy for a second. */
const calls = pLimit(2);
/**
 * Faults that pass by themselves: another process writes to the local state (the simulated bucket then answers
 * 500 without a word), the service has a fault of its own, or the network failed.
 */
const TRANSIENT =
  /SQLITE_BUSY|database is locked|CF-R2-Error|Network connection lost|object to be reset|code was updated|internal error|fetch failed|ETIMEDOUT|ECONNRESET/;

/** A call of wrangler that failed for a reason that will not pass. */
export class WranglerError extends UserError {
  readonly output: string;

  constructor(what: string, output: string) {
    super(`wrangler ${what} failed: ${firstError(output)}`);
    this.output = output;
  }
}

/**
 * Runs wrangler on the target and returns its standard output. Local and remote calls differ in their
 * target flags alone. Faults that pass are retried: every call that Facet makes can be repeated.
 */
export function wrangler(target: Target, args: readonly string[]): Promise<Buffer> {
  return calls(() => repeat(target, args));
}

async function repeat(target: Target, args: readonly string[]): Promise<Buffer> {
  const where = target.kind === "remote" ? ["--remote"] : ["--local", "--persist-to", target.state];
  for (let attempt = 1; ; attempt++) {
    const result = await run([...args, ...where]);
    if (result.ok) return result.stdout;
    const output = `${result.stderr}\n${result.stdout}`;
    if (attempt === ATTEMPTS || !TRANSIENT.test(output))
      throw new WranglerError(args.slice(0, 3).join(" "), output);
    await new Promise((resolve) => setTimeout(resolve, 250 * 2 ** attempt * (0.5 + Math.random())));
  }
}

/** What a statement gives. */
export type Rows = Record<string, unknown>[];

/** Runs SQL statements and returns the rows of each. */
export async function query(target: Target, statements: readonly string[]): Promise<Rows[]> {
  const output = await wrangler(target, [
    "d1",
    "execute",
    DATABASE,
    "--json",
    "--command",
    statements.join("; "),
  ]);
  const results = JSON.parse(output.toString()) as { results: Rows }[];
  return results.map((result) => result.results);
}

interface Result {
  readonly ok: boolean;
  readonly stdout: Buffer;
  readonly stderr: string;
}

function run(args: readonly string[]): Promise<Result> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [WRANGLER, ...args],
      {
        cwd: ROOT,
        encoding: "buffer",
        maxBuffer: OUTPUT_LIMIT,
        env: { ...process.env, ...WRANGLER_ENVIRONMENT },
      },
      (error, stdout, stderr) => resolve({ ok: error === null, stdout, stderr: stderr.toString() }),
    );
  });
}

/** What went wrong in one line: with --json wrangler says it in an object, else behind a mark. */
function firstError(output: string): string {
  const json = /"text":\s*("(?:[^"\\]|\\.)*")/.exec(output)?.[1];
  if (json !== undefined) return JSON.parse(json) as string;
  const lines = output.split("\n").map((line) => line.trim());
  const marked = lines.find((line) => /\[ERROR\]/.test(line)) ?? lines.find((line) => /error/i.test(line));
  return (marked ?? lines.find((line) => line !== "") ?? "no output").replace(/^.*\[ERROR\]\s*/, "");
}
