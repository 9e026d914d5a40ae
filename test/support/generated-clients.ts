/** Generates clients from an OpenAPI document with the tools of the workspace test/clients. */
import { execFile } from "node:child_process";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { promisify } from "node:util";
import { REPOSITORY_ROOT } from "../../cloudflare/wrangler.ts";

const run = promisify(execFile);
const FOLDER = join(REPOSITORY_ROOT, "test/clients");

/** The programs in test/clients, one per generator. */
export const CLIENTS = ["openapi-typescript", "hey-api"] as const;

/** Starts a command of the workspace. Throws with its output if it fails. */
async function runTool(name: string, ...args: string[]): Promise<void> {
  try {
    await run(join(FOLDER, "node_modules/.bin", name), args, { cwd: FOLDER });
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${name} failed: ${stdout}${stderr}`, { cause: error });
  }
}

/** Generates both clients and type-checks them with their programs. */
export async function generateClients(documentUrl: string): Promise<void> {
  await mkdir(join(FOLDER, "generated"), { recursive: true });
  await Promise.all([
    runTool("openapi-typescript", documentUrl, "-o", "generated/openapi-typescript.ts"),
    runTool("openapi-ts", "-i", documentUrl, "-o", "generated/hey-api", "--silent", "--no-log-file"),
  ]);
  await runTool("tsc", "-p", "tsconfig.json");
}

/** Runs the program of a client against a server. */
export async function runClient(name: (typeof CLIENTS)[number], url: string, key: string): Promise<void> {
  const { run } = (await import(pathToFileURL(join(FOLDER, `${name}.ts`)).href)) as {
    run: (url: string, key: string) => Promise<void>;
  };
  await run(url, key);
}
