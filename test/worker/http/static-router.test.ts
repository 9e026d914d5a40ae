import { TrieRouter } from "hono/router/trie-router";
import { expect, it } from "vitest";
import { StaticRouter } from "../../../src/http/static-router.ts";

const ROUTES: readonly [method: string, path: string][] = [
  ["ALL", "*"],
  ["OPTIONS", "*"],
  ["GET", "/"],
  ["GET", "/requests"],
  ["GET", "/requests/export"],
  ["ALL", "/requests/export"],
  ["GET", "/requests/:id"],
  ["DELETE", "/requests/:id"],
];
const METHODS = ["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD", "PATCH", "BREW"];
const PATHS = ["/", "/requests", "/requests/export", "/requests/7", "/requests/8", "/nothing", "/*", "/:id"];

it("finds what hono's router finds, also when it is asked again", () => {
  const router = new StaticRouter<string>();
  const reference = new TrieRouter<string>();
  for (const [method, path] of ROUTES) {
    router.add(method, path, `${method} ${path}`);
    reference.add(method, path, `${method} ${path}`);
  }
  for (const path of [...PATHS, ...PATHS])
    for (const method of METHODS)
      expect(router.match(method, path), `${method} ${path}`).toEqual(reference.match(method, path));
});
