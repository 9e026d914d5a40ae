declare namespace Cloudflare {
  interface Env {
    TEST_MIGRATIONS: Record<"registry" | "log", import("cloudflare:test").D1Migration[]>;
    /** See test/json-schema.ts. */
    JSON_SCHEMA: Fetcher;
    /** See test/lint-openapi.ts. */
    OPENAPI_LINT: Fetcher;
  }
}

interface ImportMeta {
  /** Vite's: the modules whose paths match, by path. */
  glob(pattern: string, options: { eager: true }): Record<string, Record<string, unknown>>;
}

/** A file's text. */
declare module "*?raw" {
  const text: string;
  export default text;
}
