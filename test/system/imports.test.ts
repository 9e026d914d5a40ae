/** The order of the folders: which part of the repository may import which other part. */
import { existsSync, globSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";
import { describe, expect, test } from "vitest";

const ROOT = join(import.meta.dirname, "../..");
const FOLDERS = ["src", "training", "cloudflare", "scripts", "bench"];

/** The layers of src, lowest first. A file may import from its own folder and from lower layers. */
const LAYERS: readonly (readonly string[])[] = [
  ["lib"],
  ["settings"],
  ["domain"],
  ["db"],
  ["http"],
  ["access"],
  ["inference", "request-log", "monitoring"],
  ["middleware"],
  ["endpoints"],
  ["openapi", "pages"],
  ["app.ts"],
  ["worker.ts", "scheduled.ts"],
  ["index.ts"],
];
/** Imports between folders of the same layer that are allowed. */
const SIDEWAYS = ["monitoring -> request-log", "worker.ts -> scheduled.ts"];

interface Import {
  readonly from: string;
  readonly to: string;
}

/** Static, dynamic and type-only imports, and re-exports. */
const SPECIFIER = /(?:\bfrom\s+|\bimport\s+|\bimport\(\s*)["'](\.{1,2}\/[^"'\n]+\.ts)["']/g;

function listFiles(): string[] {
  return globSync(`{${FOLDERS.join(",")}}/**/*.ts`, { cwd: ROOT });
}

function listImports(file: string): Import[] {
  const text = readFileSync(join(ROOT, file), "utf8");
  return Array.from(text.matchAll(SPECIFIER), ([, specifier = ""]) => ({
    from: file,
    to: posix.join(posix.dirname(file), specifier),
  }));
}

const files = listFiles();
const imports = files.flatMap(listImports);

/** The imports that break a rule, as text. */
function findViolations(isAllowed: (one: Import) => boolean): string[] {
  return imports.filter((one) => !isAllowed(one)).map(({ from, to }) => `${from} -> ${to}`);
}

/** Finds files that import each other in a cycle, as lists of files (Tarjan's algorithm). */
function findCycles(edges: readonly Import[]): string[][] {
  const targets = Map.groupBy(edges, ({ from }) => from);
  const cycles: string[][] = [];
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const visit = (file: string): number => {
    const index = order.size;
    order.set(file, index);
    lowest.set(file, index);
    stack.push(file);
    for (const { to } of targets.get(file) ?? []) {
      if (!order.has(to)) lowest.set(file, Math.min(lowest.get(file)!, visit(to)));
      else if (stack.includes(to)) lowest.set(file, Math.min(lowest.get(file)!, order.get(to)!));
    }
    if (lowest.get(file) === index) {
      const component = stack.splice(stack.indexOf(file));
      const importsItself = targets.get(file)?.some(({ to }) => to === file) ?? false;
      if (component.length > 1 || importsItself) cycles.push(component);
    }
    return lowest.get(file)!;
  };
  for (const file of targets.keys()) if (!order.has(file)) visit(file);
  return cycles;
}

/** The part of a file in src: its folder, or the file itself if it lies directly in src. */
function getPart(file: string): string {
  return file.split("/")[1] ?? "";
}

function getLayer(part: string): number {
  return LAYERS.findIndex((layer) => layer.includes(part));
}

const getTopFolder = (file: string): string => file.split("/")[0] ?? "";
const isInSrc = (file: string): boolean => getTopFolder(file) === "src";

describe("imports", () => {
  test("every import names an existing file", () => {
    expect(imports.length).toBeGreaterThan(files.length);
    expect(findViolations(({ to }) => existsSync(join(ROOT, to)))).toEqual([]);
  });

  test("no file imports itself through others, not even with types", () => {
    expect(findCycles(imports)).toEqual([]);
  });

  test("every part of src has a layer", () => {
    const parts = new Set(files.filter(isInSrc).map(getPart));
    expect([...parts].toSorted()).toEqual(LAYERS.flat().toSorted());
  });

  test("nothing in src imports from a higher layer, or from another folder of its own layer", () => {
    const isAllowed = ({ from, to }: Import) => {
      if (!isInSrc(from) || !isInSrc(to)) return true;
      const [part, target] = [getPart(from), getPart(to)];
      if (part === target || SIDEWAYS.includes(`${part} -> ${target}`)) return true;
      return getLayer(target) < getLayer(part);
    };
    expect(findViolations(isAllowed)).toEqual([]);
  });

  test("src imports nothing from outside src", () => {
    expect(findViolations(({ from, to }) => !isInSrc(from) || isInSrc(to))).toEqual([]);
  });

  test.each([
    ["training", ["src", "cloudflare", "training"]],
    ["cloudflare", ["src", "cloudflare"]],
    ["scripts", ["src", "cloudflare", "training", "scripts"]],
    ["bench", ["src", "cloudflare", "training", "scripts", "bench", "test"]],
  ])("%s imports only from %s", (folder, allowed) => {
    expect(
      findViolations(({ from, to }) => getTopFolder(from) !== folder || allowed.includes(getTopFolder(to))),
    ).toEqual([]);
  });

  test("training uses only the domain, the library and the table schemas of src", () => {
    const allowed = /^src\/(domain\/|lib\/|db\/[^/]+\/schema\.ts$)/;
    expect(
      findViolations(({ from, to }) => getTopFolder(from) !== "training" || !isInSrc(to) || allowed.test(to)),
    ).toEqual([]);
  });

  test("cloudflare uses only the domain and the library of src", () => {
    const allowed = /^src\/(domain|lib)\//;
    expect(
      findViolations(
        ({ from, to }) => getTopFolder(from) !== "cloudflare" || !isInSrc(to) || allowed.test(to),
      ),
    ).toEqual([]);
  });
});

test("findCycles finds a cycle of three files and a file that imports itself, and nothing in a tree", () => {
  const edges = (...pairs: string[]) => pairs.map((pair) => ({ from: pair[0] ?? "", to: pair[1] ?? "" }));
  expect(findCycles(edges("ab", "ac", "bd", "cd"))).toEqual([]);
  expect(findCycles(edges("ab", "bc", "ca", "cd")).map((cycle) => cycle.toSorted())).toEqual([
    ["a", "b", "c"],
  ]);
  expect(findCycles(edges("aa"))).toEqual([["a"]]);
});
