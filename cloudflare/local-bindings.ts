import { join } from "node:path";
import type { D1Database, R2Bucket } from "@cloudflare/workers-types";
import { getPlatformProxy } from "wrangler";
import { REPOSITORY_ROOT } from "./wrangler.ts";

/** The Worker's databases and its bucket. */
export interface LocalBindings {
  readonly DB: D1Database;
  readonly LOG_DB: D1Database;
  readonly MODELS: R2Bucket;
}

/** Opens a local state with the bindings of the Worker, and closes it afterwards. */
export async function withLocalBindings<Result>(
  state: string,
  use: (bindings: LocalBindings) => Promise<Result>,
): Promise<Result> {
  const { env, dispose } = await getPlatformProxy<LocalBindings>({
    configPath: join(REPOSITORY_ROOT, "wrangler.toml"),
    // wrangler keeps the state of `--persist-to` in this subfolder.
    persist: { path: join(state, "v3") },
    remoteBindings: false,
  });
  try {
    return await use(env);
  } finally {
    await dispose();
  }
}
