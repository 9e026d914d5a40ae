/** A local server on a scratch state, which the benchmarks of the Worker and the tests of the pages use. */
import { spawn } from "node:child_process";
import { join } from "node:path";
import { applyMigrations } from "../../cloudflare/d1.ts";
import { type DevServer, type DevServerOptions, startDevServer } from "../../cloudflare/dev-server.ts";
import { REPOSITORY_ROOT } from "../../cloudflare/wrangler.ts";

// By default a signal ends the process without the handlers of "exit", which stop the servers and delete the
// scratch folders.
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => process.exit(1));

/** Creates both databases, and trains and publishes models if a champion is needed. */
export async function prepareState(
  state: string,
  { champion }: { readonly champion: boolean },
): Promise<void> {
  await applyMigrations({ kind: "local", state });
  if (champion) await trainModels(state);
}

/** Runs `npm run train` on a state. No server may run on it. */
export function trainModels(state: string, options: readonly string[] = []): Promise<void> {
  return runScript([join(REPOSITORY_ROOT, "training/train.ts"), "--state", state, ...options]);
}

/**
 * Starts `wrangler dev` on a free port and waits until it answers.
 * @throws Error if the server exits or is not ready in time.
 */
export async function startServer(
  state: string,
  options: Pick<DevServerOptions, "project" | "vars"> = {},
): Promise<DevServer> {
  const server = await startDevServer({ ...options, state });
  if (await server.waitUntilReady("/openapi.json")) return server;
  await server.stop("SIGKILL");
  throw new Error("the server exited or was not ready in time");
}

function runScript(args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, {
      cwd: REPOSITORY_ROOT,
      stdio: ["ignore", "ignore", "inherit"],
    });
    child.on("error", reject);
    child.on("exit", (code) =>
      code === 0 ? resolve() : reject(new Error(`${args[0]} exited with code ${code}`)),
    );
  });
}
