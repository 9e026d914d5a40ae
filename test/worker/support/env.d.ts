declare namespace Cloudflare {
  interface Env {
    TEST_MIGRATIONS: Record<"registry" | "log", import("cloudflare:test").D1Migration[]>;
    /** See test/support/json-schema.ts. */
    JSON_SCHEMA: Fetcher;
    /** See test/support/lint-openapi.ts. */
    OPENAPI_LINT: Fetcher;
  }
}

interface ImportMeta {
  /** From Vite: the modules whose paths match, by path. */
  glob(pattern: string, options: { eager: true }): Record<string, Record<string, unknown>>;
}

/** From Vite: the text of a file. */
declare module "*?raw" {
  const text: string;
  export default text;
}

/** A module of Node that workerd has. Unlike DecompressionStream, it reads a file of several gzip members. */
declare module "node:zlib" {
  export function gunzipSync(bytes: Uint8Array): Uint8Array<ArrayBuffer>;
}
