import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { DevServer } from "../../cloudflare/dev-server.ts";
import { REPOSITORY_ROOT } from "../../cloudflare/wrangler.ts";
import { startServer } from "./local-server.ts";

/**
 * Serves a copy of the Worker whose rate limits are too high to matter.
 * @param project a folder that does not exist yet, for the copy
 * @param log without it, bench/server/no-op-log.ts replaces the log's middleware
 */
export function startWorkerCopy(
  project: string,
  { state, log }: { readonly state: string; readonly log: boolean },
): Promise<DevServer> {
  mkdirSync(project);
  for (const path of ["src", "wrangler.toml", "dist", "migrations"])
    cpSync(join(REPOSITORY_ROOT, path), join(project, path), { recursive: true });
  symlinkSync(join(REPOSITORY_ROOT, "node_modules"), join(project, "node_modules"));
  const configPath = join(project, "wrangler.toml");
  const config = readFileSync(configPath, "utf8")
    // The assets are built already.
    .replace(/^\[build\]\n(.+\n)+/m, "")
    .replaceAll(/limit = \d+/g, "limit = 1000000000");
  writeFileSync(configPath, config);
  if (!log) {
    const noOpLog = join(REPOSITORY_ROOT, "bench/server/no-op-log.ts");
    cpSync(noOpLog, join(project, "src/middleware/request-log.ts"));
  }
  return startServer(state, { project, vars: { ACCESS: "open" } });
}
