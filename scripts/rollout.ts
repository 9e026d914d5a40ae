/** `node scripts/rollout.ts --url https://...`: brings this checkout's Worker to all callers, in steps. */
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { UserError } from "../cloudflare/user-error.ts";
import { WRANGLER } from "../cloudflare/wrangler.ts";
import { runCommand } from "./cli.ts";
import { rollOutProgressively } from "./progressive-rollout.ts";

const WORKER = "facet";
const TIMEOUT_MS = 20_000;

await runCommand(async (args) => {
  const { values } = parseArgs({ args: [...args], options: { url: { type: "string" } } });
  const ready = URL.parse("/ready", values.url);
  if (ready?.protocol !== "https:" && ready?.protocol !== "http:") {
    throw new UserError("--url must be the Worker's address, such as https://facet.example.workers.dev");
  }
  await rollOutProgressively({
    wrangler,
    upload,
    fault: (version) => fault(ready, version),
    sleep,
    say: console.log,
  });
});

function wrangler(
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(
      process.execPath,
      [WRANGLER, ...args],
      { env: { ...process.env, CI: "true", NO_COLOR: "1", ...environment } },
      (error, stdout, stderr) => {
        if (error === null) resolve(stdout);
        else reject(new UserError(`wrangler ${args.slice(0, 2).join(" ")} failed:\n${stderr}\n${stdout}`));
      },
    );
  });
}

async function upload(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "facet-"));
  try {
    // wrangler's record for machines: a line of JSON for each thing done.
    const path = join(folder, "output.ndjson");
    await wrangler(["versions", "upload"], { WRANGLER_OUTPUT_FILE_PATH: path });
    const lines = (await readFile(path, "utf8")).trim().split("\n");
    const entries = lines.map((line) => JSON.parse(line) as { type: string; version_id?: string });
    const id = entries.find((entry) => entry.type === "version-upload")?.version_id;
    if (id === undefined) throw new UserError("wrangler names no version that it uploaded");
    return id;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Asks that very version: the header sends the request to it, whatever its share of the callers. */
async function fault(ready: URL, version: string): Promise<string | null> {
  try {
    const response = await fetch(ready, {
      headers: { "Cloudflare-Workers-Version-Overrides": `${WORKER}="${version}"` },
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    await response.body?.cancel();
    return response.ok ? null : `${ready.pathname} answered ${response.status}`;
  } catch (error) {
    return `${ready.pathname}: ${error instanceof Error ? error.message : String(error)}`;
  }
}
