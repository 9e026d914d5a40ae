/** The package of the client as an app gets it: packed, unpacked into `node_modules`, and nothing else of it. */
import { execFile } from "node:child_process";
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { REPOSITORY_ROOT } from "../../../cloudflare/wrangler.ts";

const run = promisify(execFile);
const TSC = join(REPOSITORY_ROOT, "node_modules/.bin/tsc");

/** What an app installs beside the client: its dependencies, and the types of Node for `process.env`. */
const INSTALLED = ["openapi-fetch", "openapi-typescript-helpers", "p-retry", "is-network-error"];
const TYPES = ["@types/node", "undici-types"];

/**
 * Makes a folder of an app that has installed the client.
 * @returns the files of the package
 */
export async function installClient(folder: string): Promise<string[]> {
  const npm = (...args: string[]) => run("npm", [...args, "-w", "facet-client"], { cwd: REPOSITORY_ROOT });
  await npm("run", "build");
  const { stdout } = await npm("pack", "--json", "--ignore-scripts", "--pack-destination", folder);
  const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }];
  await run("tar", ["xzf", packed.filename], { cwd: folder });
  mkdirSync(join(folder, "node_modules/@types"), { recursive: true });
  cpSync(join(folder, "package"), join(folder, "node_modules/facet-client"), { recursive: true });
  for (const name of [...INSTALLED, ...TYPES])
    symlinkSync(join(REPOSITORY_ROOT, "node_modules", name), join(folder, "node_modules", name));
  return packed.files.map(({ path }) => path);
}

/** Writes programs into the folder of an app and checks their types, with those of the package. */
export async function checkPrograms(
  folder: string,
  programs: Readonly<Record<string, string>>,
): Promise<void> {
  for (const [name, source] of Object.entries(programs)) writeFileSync(join(folder, name), source);
  const compilerOptions = {
    strict: true,
    exactOptionalPropertyTypes: true,
    noEmit: true,
    module: "nodenext",
    target: "es2023",
    lib: ["es2023", "dom"],
    types: ["node"],
  };
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({ compilerOptions, files: Object.keys(programs) }),
  );
  await runTool(folder, TSC, ["-p", "tsconfig.json"]);
}

/** Starts a program and returns what it prints. @throws Error with its output if it fails or is missing */
export async function runTool(
  cwd: string,
  command: string,
  args: readonly string[],
  environment: NodeJS.ProcessEnv = {},
): Promise<string> {
  try {
    return (await run(command, args, { cwd, env: { ...process.env, ...environment } })).stdout;
  } catch (error) {
    const { code, stdout = "", stderr = "" } = error as { code: unknown; stdout?: string; stderr?: string };
    if (code === "ENOENT") throw new Error(`${command} is missing: install it (apt-get install ${command})`);
    throw new Error(`${command} ${args.join(" ")} failed:\n${stdout}${stderr}`, { cause: error });
  }
}
