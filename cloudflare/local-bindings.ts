import { join } from "node:path";
import type { D1Database, R2Bucket } from "@cloudflare/workers-types";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { BUCKET, BUCKET_BINDING, DATABASES } from "./worker-config.ts";

/** The Worker's databases and its bucket. */
export interface LocalBindings {
  readonly DB: D1Database;
  readonly LOG_DB: D1Database;
  readonly MODELS: R2Bucket;
}

/**
 * Opens a local state with the databases and the bucket of the Worker, and closes it afterwards. wrangler's
 * `getPlatformProxy` would also read .dev.vars, and say so in the middle of what a command prints.
 */
export async function withLocalBindings<Result>(
  state: string,
  use: (bindings: LocalBindings) => Promise<Result>,
): Promise<Result> {
  const simulator = new Miniflare(
    convertV4MiniflareOptions({
      modules: true,
      script: "",
      d1Databases: Object.fromEntries(DATABASES.map(({ binding, localId }) => [binding, localId])),
      r2Buckets: { [BUCKET_BINDING]: BUCKET },
      // wrangler keeps the state of `--persist-to` in this subfolder.
      resourcePersistencePath: join(state, "v3"),
      cf: false,
    }),
  );
  try {
    return await use((await simulator.getBindings()) as unknown as LocalBindings);
  } finally {
    await simulator.dispose();
  }
}
