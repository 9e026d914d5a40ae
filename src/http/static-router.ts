import { TrieRouter } from "hono/router/trie-router";

type Match<Handler> = ReturnType<TrieRouter<Handler>["match"]>;

/**
 * A router that searches each path without parameters only once. Of hono's routers, only the trie accepts
 * `/requests/export` beside `/requests/:id`, and its search takes longer than some requests.
 */
export class StaticRouter<Handler> extends TrieRouter<Handler> {
  override name = "StaticRouter";
  readonly #staticPaths = new Set<string>();
  readonly #matches = new Map<string, Match<Handler>>();

  override add(method: string, path: string, handler: Handler): void {
    super.add(method, path, handler);
    if (!/[:*]/.test(path)) this.#staticPaths.add(path);
  }

  override match(method: string, path: string): Match<Handler> {
    if (!this.#staticPaths.has(path)) return super.match(method, path);
    const key = `${method} ${path}`;
    const match = this.#matches.get(key) ?? super.match(method, path);
    // Only the methods that routes can have, so that nobody fills the memory with invented ones.
    if (STANDARD_METHODS.has(method)) this.#matches.set(key, match);
    return match;
  }
}

const STANDARD_METHODS: ReadonlySet<string> = new Set(["GET", "POST", "PUT", "DELETE", "OPTIONS"]);
