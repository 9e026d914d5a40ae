import { type ChildProcess, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { D1Database, R2Bucket } from "@cloudflare/workers-types";
import { drizzle } from "drizzle-orm/d1";
import { getPlatformProxy } from "wrangler";
import * as schema from "../../src/db/registry/schema.ts";

export const ROOT = join(import.meta.dirname, "../..");
const require = createRequire(import.meta.url);

/** The first rows of the embedded dataset's file, and where the file lies. */
export const EMBEDDED = require.resolve("@observablehq/sample-datasets/diamonds.csv");

export interface Finished {
  readonly code: number | null;
  readonly output: string;
}

/** A run of the trainer as `npm run train` starts it, in a process group of its own. */
export function startTrainer(
  args: readonly string[],
  script = "training/train.ts",
): {
  readonly child: ChildProcess;
  readonly finished: Promise<Finished>;
  /** Resolves when the output holds the text. */
  readonly said: (text: string) => Promise<void>;
} {
  const child = spawn(process.execPath, [join(ROOT, script), ...args], { cwd: ROOT, detached: true });
  let output = "";
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
      for (const listener of listeners) listener();
    });
  }
  const finished = new Promise<Finished>((done) => child.on("close", (code) => done({ code, output })));
  const said = (text: string) =>
    new Promise<void>((done, fail) => {
      const look = () => {
        if (output.includes(text)) done();
      };
      listeners.add(look);
      look();
      void finished.then(() => fail(new Error(`ended without saying ${text}:\n${output}`)));
    });
  return { child, finished, said };
}

export const train = (...args: string[]): Promise<Finished> => startTrainer(args).finished;

export function scratchFolder(): { path: string; remove: () => void } {
  const path = mkdtempSync(join(tmpdir(), "facet-system-"));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

type Bindings = { DB: D1Database; LOG_DB: D1Database; MODELS: R2Bucket };

/** A local state through the bindings that the Worker would have. */
async function withBindings<Result>(state: string, use: (env: Bindings) => Promise<Result>): Promise<Result> {
  const { env, dispose } = await getPlatformProxy<Bindings>({
    configPath: join(ROOT, "wrangler.toml"),
    persist: { path: join(state, "v3") },
    remoteBindings: false,
  });
  try {
    return await use(env);
  } finally {
    await dispose();
  }
}

/** What the registry of a local state holds. */
export function readState<Result>(
  state: string,
  read: (db: ReturnType<typeof drizzle<typeof schema>>, bucket: R2Bucket) => Promise<Result>,
): Promise<Result> {
  return withBindings(state, (env) => read(drizzle(env.DB, { schema }), env.MODELS));
}

/** What the log of a local state holds. */
export function readLog<Result>(
  state: string,
  read: (db: ReturnType<typeof drizzle>) => Promise<Result>,
): Promise<Result> {
  return withBindings(state, (env) => read(drizzle(env.LOG_DB)));
}

/** Faults of a registry that no interruption may leave behind; none for a sound one. */
export function registryFaults(state: string): Promise<string[]> {
  return readState(state, async (db, bucket) => {
    const faults: string[] = [];
    const models = await db.select().from(schema.models);
    const datasets = await db.select().from(schema.datasets);
    const [champion] = await db.select().from(schema.aliases);
    if (!champion) faults.push("there is no champion");
    else if (!models.some((m) => m.name === champion.name && m.version === champion.version)) {
      faults.push(`champion points at ${champion.name}@${champion.version}, which is not there`);
    }
    for (const { name, version, key, sha256, dataset } of models) {
      const file = await bucket.get(key);
      const found =
        file &&
        createHash("sha256")
          .update(new Uint8Array(await file.arrayBuffer()))
          .digest("hex");
      if (found !== sha256)
        faults.push(`the file of ${name}@${version} is ${found === null ? "missing" : "damaged"}`);
      if (!datasets.some(({ seq }) => seq === dataset)) faults.push(`${name}@${version} has no dataset`);
    }
    for (const name of new Set(models.map((model) => model.name))) {
      const versions = models.filter((model) => model.name === name).map((model) => model.version);
      versions.sort((a, b) => a - b);
      if (versions.some((version, i) => version !== i + 1)) faults.push(`${name} has versions ${versions}`);
    }
    const stones = await db.select().from(schema.diamonds);
    for (const { seq, rows } of datasets) {
      const inside = stones.filter(
        (stone) => stone.since <= seq && (stone.until === null || stone.until > seq),
      );
      if (inside.length !== rows) faults.push(`dataset ${seq} has ${inside.length} of ${rows} stones`);
      if (new Set(inside.map((stone) => stone.id)).size !== inside.length)
        faults.push(`dataset ${seq} has a stone twice`);
    }
    return faults;
  });
}
