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
  engines?: { node?: string };
  deprecated?: string;
}

/** npm on Node 20 warns about them. They run on the Node that npm installs, or in the Worker. */
const NEED_NEWER_NODE = ["@cloudflare/kv-asset-handler", "miniflare", "wrangler", "zod-openapi"];

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

  // npm 10 runs every install script, and only npm 11 reads `allowScripts`.
  test("have no other install scripts than those that package.json allows", () => {
    const names = findNames(({ hasInstallScript }) => hasInstallScript === true);
    expect(Object.fromEntries(names.map((name) => [name, true]))).toEqual(allowScripts);
  });

  test("cause only the known warnings, which .npmrc hides", () => {
    expect(findNames(({ engines }) => !admitsNode20(engines?.node ?? "*"))).toEqual(NEED_NEWER_NODE);
    expect(findNames(({ deprecated }) => deprecated !== undefined)).toEqual([]);
  });
});

/** The names of all locked packages with a property, in order. */
function findNames(hasProperty: (entry: LockedPackage) => boolean): string[] {
  const found = locked.filter(([, entry]) => hasProperty(entry));
  return [...new Set(found.map(([path]) => path.split("node_modules/").at(-1) ?? path))].sort();
}

/** Whether a range such as `^18.18.0 || >=20.5` contains the newest Node 20. Upper limits do not count. */
function admitsNode20(range: string): boolean {
  return range.split("||").some((part) => {
    const [, operator = "", major = ""] = /^\s*(>=?|[~^=v]*)\s*(\d+|\*|x)/.exec(part) ?? [];
    return operator.startsWith(">") ? Number(major) <= 20 : ["*", "x", "20"].includes(major);
  });
}
