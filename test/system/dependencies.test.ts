import { readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { REPOSITORY_ROOT } from "../../cloudflare/wrangler.ts";

const read = (path: string) => readFileSync(join(REPOSITORY_ROOT, path), "utf8");

interface Package {
  dependencies: Record<string, string>;
  devDependencies: Record<string, string>;
  allowScripts: Record<string, boolean>;
}

interface LockedPackage {
  version?: string;
  resolved?: string;
  integrity?: string;
  hasInstallScript?: boolean;
  link?: boolean;
}

const { dependencies, devDependencies, allowScripts } = JSON.parse(read("package.json")) as Package;
const { packages } = JSON.parse(read("package-lock.json")) as { packages: Record<string, LockedPackage> };
/** Without the project itself and its workspaces. */
const locked = Object.entries(packages).filter(([path, { link }]) => path.includes("node_modules/") && !link);

describe("dependencies", () => {
  test("have exact versions that match the lock file", () => {
    for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
      expect(version, name).toMatch(/^\d+\.\d+\.\d+(-[\w.]+)?$/);
      expect(packages[`node_modules/${name}`]?.version).toBe(version);
    }
    for (const workspace of ["test/clients", "clients/typescript"]) {
      const { dependencies = {}, devDependencies = {} } = JSON.parse(
        read(`${workspace}/package.json`),
      ) as Partial<Package>;
      for (const [name, version] of Object.entries({ ...dependencies, ...devDependencies })) {
        const entry = packages[`${workspace}/node_modules/${name}`] ?? packages[`node_modules/${name}`];
        expect(entry?.version, name).toBe(version);
      }
    }
  });

  test("come from the npm registry and have a hash", () => {
    for (const [path, { version, resolved, integrity }] of locked) {
      expect(version, path).toMatch(/^\d+\.\d+\.\d+/);
      expect(integrity, path).toMatch(/^sha512-/);
      // .npmrc leaves the address out for the npm registry. A package with an address is from another source.
      expect(resolved, path).toBeUndefined();
    }
  });

  test("have install scripts only if package.json decides about them", () => {
    const names = locked
      .filter(([, { hasInstallScript }]) => hasInstallScript)
      .map(([path]) => path.split("node_modules/").at(-1) ?? path);
    for (const name of names) expect(Object.keys(allowScripts)).toContain(name);
  });
});
