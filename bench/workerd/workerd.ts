/**
 * Runs a bundled Worker straight in workerd, without the proxy of `wrangler dev`, on a state of simulated D1
 * and R2.
 */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { convertV4MiniflareOptions, Miniflare } from "miniflare";
import { parse } from "smol-toml";
import { REPOSITORY_ROOT, runWrangler } from "../../cloudflare/wrangler.ts";

/** A Worker that was bundled into a folder: its script and the modules that it imports. */
export interface Bundle {
  readonly folder: string;
  readonly script: string;
  /** The same as one file, for `wrangler check startup`. */
  readonly file: string;
}

/** Bundles Facet with the replaceable databases of worker.ts. */
export async function bundleFacet(folder: string): Promise<Bundle> {
  return bundle("worker", folder);
}

/** Bundles the Worker that only says hello. */
export async function bundleHello(folder: string): Promise<Bundle> {
  return bundle("hello", folder);
}

async function bundle(name: string, folder: string): Promise<Bundle> {
  const script = join(import.meta.dirname, `${name}.ts`);
  const config = join(import.meta.dirname, "wrangler.toml");
  const file = `${folder}.bundle`;
  const output = ["--outdir", folder, "--outfile", file];
  await runWrangler(["deploy", script, "--config", config, "--dry-run", ...output]);
  return { folder, script: `${name}.js`, file };
}

export interface WorkerdOptions {
  /** Folder of the simulated D1 and R2. Without one, the Worker has neither. */
  readonly state?: string;
  /** Variables that override those of wrangler.toml. */
  readonly vars?: Readonly<Record<string, string>>;
  readonly inspectorPort?: number;
  /**
   * Whether requests reach the Worker without miniflare's own Worker in front of it, which takes longer than
   * an empty handler.
   */
  readonly direct?: boolean;
}

export interface WorkerdServer {
  /** Base address without a slash at the end. */
  readonly url: string;
  /**
   * The number of requests with a 2xx status in the log. It asks the running database: a second process that
   * opens the file of the database would make writes wait or fail.
   */
  countLoggedSuccesses(): Promise<number>;
  stop(): Promise<void>;
}

/** The parts of wrangler.toml that the server needs. */
interface Config {
  readonly compatibility_date: string;
  readonly compatibility_flags: string[];
  readonly vars: Record<string, string>;
  readonly d1_databases: { binding: string; preview_database_id: string }[];
  readonly r2_buckets: { binding: string; bucket_name: string }[];
  readonly ratelimits: { name: string; namespace_id: string; simple: { period: 10 | 60 } }[];
}

/**
 * Starts the Worker in a workerd process of its own, which ends with this process at the latest. Its rate
 * limits count, but are too high to reject.
 */
export async function startWorkerd(bundle: Bundle, options: WorkerdOptions = {}): Promise<WorkerdServer> {
  const config = parse(readFileSync(join(REPOSITORY_ROOT, "wrangler.toml"), "utf8")) as unknown as Config;
  const { state, vars = {}, inspectorPort, direct = false } = options;
  const stateOptions = state !== undefined && {
    bindings: { ...config.vars, ...vars },
    d1Databases: Object.fromEntries(config.d1_databases.map((d1) => [d1.binding, d1.preview_database_id])),
    r2Buckets: Object.fromEntries(config.r2_buckets.map((r2) => [r2.binding, r2.bucket_name])),
    ratelimits: Object.fromEntries(
      config.ratelimits.map(({ name, namespace_id, simple }) => [
        name,
        { namespace_id, simple: { ...simple, limit: 1_000_000_000 } },
      ]),
    ),
    resourcePersistencePath: join(state, "v3"),
  };
  const server = new Miniflare(
    convertV4MiniflareOptions({
      name: "worker",
      modules: readModules(bundle),
      modulesRoot: bundle.folder,
      compatibilityDate: config.compatibility_date,
      compatibilityFlags: config.compatibility_flags,
      cf: false,
      logRequests: false,
      ...(inspectorPort !== undefined && { inspectorPort }),
      ...(direct && { unsafeDirectSockets: [{ host: "127.0.0.1", port: 0 }] }),
      ...stateOptions,
    }),
  );
  const entry = await server.ready;
  const url = direct ? await server.unsafeGetDirectURL() : entry;
  return {
    url: url.origin,
    async countLoggedSuccesses() {
      const database = await server.getD1Database("LOG_DB");
      const count = "SELECT count(*) AS count FROM requests WHERE status BETWEEN 200 AND 299";
      return (await database.prepare(count).first<number>("count")) ?? 0;
    },
    stop: () => server.dispose(),
  };
}

function readModules({ folder, script }: Bundle) {
  const others = readdirSync(folder).filter((file) => file.endsWith(".wasm"));
  return [
    { type: "ESModule" as const, path: join(folder, script), contents: readFileSync(join(folder, script)) },
    ...others.map((file) => ({
      type: "CompiledWasm" as const,
      path: join(folder, file),
      contents: readFileSync(join(folder, file)),
    })),
  ];
}
