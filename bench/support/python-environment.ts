/** Python packages for benchmarks that compare with other tools. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

/** A copy of the requirements, which is written when all packages are installed. */
const INSTALLED_FILE = "installed.txt";

/**
 * Creates a virtual environment with the packages of a requirements file. An environment that has these packages
 * already is used as it is; another one is made again.
 * @param folder the environment; kept until the caller deletes it
 * @param requirements path of a requirements.txt
 * @throws Error if the folder has other files
 * @returns path of its python; null if python3 has no venv, or if the packages cannot be installed. pip says why.
 */
export function createVirtualEnvironment(folder: string, requirements: string): string | null {
  const environment = resolve(folder);
  const python = join(environment, "bin/python");
  const installedFile = join(environment, INSTALLED_FILE);
  const packages = readFileSync(requirements, "utf8");
  if (readIfExists(installedFile) === packages) return python;
  mkdirSync(environment, { recursive: true });
  // What is in the folder is deleted.
  if (readdirSync(environment).length > 0 && !existsSync(join(environment, "pyvenv.cfg")))
    throw new Error(`${folder}: is neither empty nor a virtual environment`);
  if (spawnSync("python3", ["-m", "venv", "--clear", environment]).status !== 0) return null;
  console.log(`installing ${packages.trim().replaceAll("\n", ", ")}`);
  const pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r", requirements];
  if (spawnSync(python, pip, { stdio: ["ignore", "inherit", "inherit"] }).status !== 0) {
    rmSync(environment, { recursive: true });
    return null;
  }
  writeFileSync(installedFile, packages);
  return python;
}

function readIfExists(path: string): string | null {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return null;
  }
}
