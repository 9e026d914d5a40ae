/** Every dependency has an exact version and a hash. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { ROOT } from "./trainer.ts";

const read = (path: string) => readFileSync(join(ROOT, path), "utf8");

interface Package {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
}

interface Locked {
  version?: string;
  resolved?: string;
  integrity?: string;
  hasInstallScript?: boolean;
}

const { dependencies, devDependencies, allowScripts } = JSON.parse(read("package.json")) as Package;
const { packages } = JSON.parse(read("package-lock.json")) as { packages: Record<string, Locked> };
const locked = Object.entries(packages).filter(([path]) => path !== "");

describe("dependencies", () => {
  test("have exact versions, and those of the lock file", () => {
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
      expect(packages[`node_modules/${name}`]?.version).toBe(version);
    }
  });

  test("come from the registry, each with its hash", () => {
    for (const [path, { version, resolved, integrity }] of locked) {
      expect(version, path).toMatch(/^\d+\.\d+\.\d+/);
      expect(integrity, path).toMatch(/^sha512-/);
      // Left out by .npmrc where it is the registry: what has an address comes from elsewhere.
      expect(resolved, path).toBeUndefined();
    }
  });

  test("run a script when they are installed only where that was decided", () => {
    const names = locked
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path]) => path.split("node_modules/").at(-1) ?? path);
    for (const name of names) expect(Object.keys(allowScripts)).toContain(name);
  });
});
