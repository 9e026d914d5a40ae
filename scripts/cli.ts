import { resolve } from "node:path";
import { toUserError } from "../cloudflare/user-error.ts";
import type { Target } from "../cloudflare/wrangler.ts";

/** Options that every command on the registry has, for `parseArgs`. */
export const TARGET_OPTIONS = {
  state: { type: "string" },
  remote: { type: "boolean", default: false },
} as const;

/** The registry that a command works on. */
export function readTarget(values: {
  readonly state?: string | undefined;
  readonly remote: boolean;
}): Target {
  if (values.remote) return { kind: "remote" };
  return { kind: "local", state: resolve(values.state ?? process.env.FACET_STATE ?? ".wrangler/state") };
}

/** Runs a command; a fault of its words or its surroundings is one line and an exit code. */
export async function runCommand(command: (args: readonly string[]) => Promise<void>): Promise<void> {
  try {
    await command(process.argv.slice(2));
  } catch (error) {
    const failure = toUserError(error);
    if (failure === null) throw error;
    console.error(failure.message);
    process.exitCode = failure.exitCode;
  }
}
