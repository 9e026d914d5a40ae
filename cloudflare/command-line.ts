import { resolve } from "node:path";
import { Command } from "commander";
import { toUserError, UserError } from "./user-error.ts";
import type { Target } from "./wrangler.ts";

const DEFAULT_STATE = ".wrangler/state";

/**
 * Creates a command that throws a {@link UserError} of one line for wrong arguments, instead of ending the
 * process. `--help` prints the help and exits with code 0. Subcommands inherit both.
 */
export function createCommand(name: string): Command {
  return new Command(name).configureOutput({ outputError: () => {} }).exitOverride((error) => {
    // After the help, Commander exits itself: with code 0 for --help, with 1 if a subcommand is missing.
    if (error.exitCode === 0 || error.code === "commander.help") return;
    const message = error.message.replaceAll(/^error: |\.$/g, "").replaceAll("\n", " ");
    throw new UserError(`${message}; see --help`, { cause: error });
  });
}

/** Values of {@link addTargetOptions}, as `command.opts()` returns them. */
export interface TargetOptions {
  readonly state?: string;
  readonly remote?: boolean;
}

/** Adds `--state` and `--remote`, which every command on the registry has. */
export function addTargetOptions(command: Command): Command {
  return command
    .option("--state <folder>", `local state (default: FACET_STATE, or ${DEFAULT_STATE})`)
    .option("--remote", "use Cloudflare instead of the local state");
}

/** Returns the registry that a command works on. */
export function readTarget(options: TargetOptions, environment: NodeJS.ProcessEnv = process.env): Target {
  if (options.remote) return { kind: "remote" };
  return { kind: "local", state: resolve(options.state ?? environment.FACET_STATE ?? DEFAULT_STATE) };
}

/** Runs a command. A {@link UserError} is printed as one line and sets the exit code. */
export async function runCommand(command: () => Promise<void>): Promise<void> {
  try {
    await command();
  } catch (error) {
    reportUserError(error);
  }
}

/**
 * Prints a {@link UserError} as one line on standard error and sets the exit code.
 * @throws Any other error: it is a bug, and its stack is needed.
 */
export function reportUserError(error: unknown): void {
  const userError = toUserError(error);
  if (userError === null) throw error;
  console.error(userError.message);
  process.exitCode = userError.exitCode;
}
