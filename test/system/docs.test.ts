import { existsSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { describe, expect, test } from "vitest";
import { REPOSITORY_ROOT } from "../../cloudflare/wrangler.ts";

const FILES = [
  "README.md",
  "CONTRIBUTING.md",
  "SECURITY.md",
  "clients/typescript/README.md",
  "examples/cluster/README.md",
  ...readdirSync(join(REPOSITORY_ROOT, "docs"))
    .filter((name) => name.endsWith(".md"))
    .map((name) => `docs/${name}`),
];

/** The text of a Markdown file without its code, which may contain brackets and number signs. */
function readProse(path: string): string {
  return readFileSync(path, "utf8")
    .replaceAll(/^```.*?^```/gms, "")
    .replaceAll(/`[^`\n]*`(?=[^\]]*\n)/g, (code) => code.replaceAll(/[[\]()#`]/g, ""));
}

/** The links to files of this repository, such as `docs/deploy.md#secrets` or `#secrets`. */
function findRelativeLinks(text: string): string[] {
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = ""]) => target)
    .filter((target) => !/^[a-z]+:/i.test(target));
}

/** The anchors of a file's headings, by GitHub's rules. */
function findAnchors(text: string): Set<string> {
  const anchors = new Set<string>();
  for (const [, heading = ""] of text.matchAll(/^#{1,6} +(.+)$/gm)) {
    const anchor = heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, "")
      .replaceAll(" ", "-");
    let unique = anchor;
    for (let copy = 1; anchors.has(unique); copy++) unique = `${anchor}-${copy}`;
    anchors.add(unique);
  }
  return anchors;
}

describe.each(FILES)("%s", (file) => {
  test("links only to files and headings that exist", () => {
    const path = join(REPOSITORY_ROOT, file);
    const brokenLinks = findRelativeLinks(readProse(path)).filter((link) => {
      const [target = "", anchor] = link.split("#");
      const targetPath = target === "" ? path : resolve(dirname(path), target);
      if (relative(REPOSITORY_ROOT, targetPath).startsWith("..") || !existsSync(targetPath)) return true;
      return anchor !== undefined && !findAnchors(readProse(targetPath)).has(anchor);
    });
    expect(brokenLinks).toEqual([]);
  });
});

test("the README has at most 150 lines", () => {
  expect(readFileSync(join(REPOSITORY_ROOT, "README.md"), "utf8").split("\n").length).toBeLessThanOrEqual(
    150,
  );
});
