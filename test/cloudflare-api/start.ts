/**
 * A stand-in for Cloudflare's API on loopback, for commands with `--remote` in tests. README.md says what it has.
 */
import { readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { D1Database, R2Bucket } from "@cloudflare/workers-types";
import { Hono } from "hono";
import { parse } from "smol-toml";
import { REPOSITORY_ROOT } from "../../cloudflare/wrangler.ts";
import { Assets, addAssetRoutes } from "./assets.ts";
import { nameCall } from "./calls.ts";
import { addD1Routes, Databases } from "./d1.ts";
import { addImportRoutes, type ImportSettings } from "./d1-import.ts";
import { serveWorker } from "./edge.ts";
import { ApiError, answer, refuse } from "./envelope.ts";
import { type CausedFault, type FaultRule, Faults, injectFaults } from "./faults.ts";
import { type NodeBindings, serve } from "./http-server.ts";
import { addQueueRoutes } from "./queues.ts";
import { addR2Routes, Buckets } from "./r2.ts";
import { type Script, Scripts } from "./scripts.ts";
import { Storage } from "./storage.ts";
import { addWorkerRoutes } from "./workers.ts";

const ACCOUNT_ID = "0123456789abcdef0123456789abcdef";
const TOKEN = "made-up-token";

export interface CloudflareApiOptions {
  /** Create the databases and the bucket of wrangler.toml at the start. Default: the account is empty. */
  readonly withResources?: boolean;
  readonly faults?: readonly FaultRule[];
}

export interface CloudflareApi {
  /** Variables for wrangler and for the commands that start it. */
  readonly environment: Readonly<Record<string, string>>;
  /** Names of all calls until now (calls.ts), in their order. */
  readonly calls: string[];
  /** Calls that the stand-in does not know: a test must expect none. */
  unknownCalls(): string[];
  /** How long imports take. The default is no poll. */
  readonly imports: ImportSettings;
  setFaults(rules: readonly FaultRule[]): void;
  /** Faults since the last `setFaults`. */
  readonly causedFaults: readonly CausedFault[];
  /** Calls since the last `setFaults` that came earlier than a `Retry-After` had allowed. */
  readonly earlyCalls: readonly string[];
  useDatabase<Result>(name: string, use: (database: D1Database) => Promise<Result>): Promise<Result>;
  useBucket<Result>(name: string, use: (bucket: R2Bucket) => Promise<Result>): Promise<Result>;
  /** Names of the databases, buckets and Workers that exist. */
  listResources(): { databases: string[]; buckets: string[] };
  /** @throws ApiError if it was never deployed */
  findScript(name: string): Script;
  /** Address of the deployed Worker, which runs on the account's databases and buckets. */
  serveWorker(name: string): Promise<string>;
  close(): Promise<void>;
}

/** Starts the stand-in. */
export async function startCloudflareApi(options: CloudflareApiOptions = {}): Promise<CloudflareApi> {
  const folder = await mkdtemp(join(tmpdir(), "facet-cloudflare-"));
  const storage = new Storage(join(folder, "storage"));
  const databases = new Databases(storage);
  const buckets = new Buckets(storage);
  const assets = new Assets(join(folder, "assets"));
  const scripts = new Scripts({ databases, buckets, assets });
  const imports: ImportSettings = { polls: 0, pollMs: 0 };
  const faults = new Faults();
  faults.set(options.faults ?? []);
  const calls: string[] = [];

  const root = new Hono<{ Bindings: NodeBindings }>();
  const account = new Hono();
  root.use(injectFaults(faults, nameCall, calls));
  root.use("/client/*", async (c, next) => {
    const authorization = c.req.header("authorization");
    const isAssetUpload = c.req.path.endsWith("/workers/assets/upload");
    if (authorization !== `Bearer ${TOKEN}` && !isAssetUpload)
      throw new ApiError(403, 10000, "Authentication error");
    await next();
  });
  addD1Routes(account, databases);
  addImportRoutes(
    { account, root: root as unknown as Hono },
    databases,
    imports,
    () => `${server.url}/d1-uploads`,
  );
  addR2Routes(account, buckets);
  addAssetRoutes(account, assets);
  addWorkerRoutes(account, scripts);
  addQueueRoutes(account);
  root.get("/client/v4/user/tokens/verify", (c) => answer(c, { id: "made-up", status: "active" }));
  root.get("/client/v4/user", (c) => answer(c, { id: "made-up", email: "test@example.com" }));
  root.get("/client/v4/memberships", (c) =>
    answer(c, [{ id: "made-up", account: { id: ACCOUNT_ID, name: "test" } }]),
  );
  root.get("/client/v4/accounts", (c) => answer(c, [{ id: ACCOUNT_ID, name: "test" }]));
  root.route(`/client/v4/accounts/${ACCOUNT_ID}`, account);
  root.notFound((c) => refuse(c, new ApiError(404, 7003, `Could not route to ${c.req.path}`)));
  root.onError((error, c) => {
    if (error instanceof ApiError) return refuse(c, error);
    console.error(error);
    return refuse(c, new ApiError(500, 10001, String(error)));
  });
  const server = await serve((request, bindings) => root.fetch(request, bindings));
  if (options.withResources) await createResources(databases, buckets);

  const workers: { close(): Promise<void> }[] = [];
  return {
    environment: {
      CLOUDFLARE_API_BASE_URL: `${server.url}/client/v4`,
      CLOUDFLARE_API_TOKEN: TOKEN,
      CLOUDFLARE_ACCOUNT_ID: ACCOUNT_ID,
    },
    calls,
    unknownCalls: () => calls.filter((call) => call.startsWith("unknown: ")),
    imports,
    setFaults: (rules) => faults.set(rules),
    causedFaults: faults.caused,
    earlyCalls: faults.early,
    useDatabase: (name, use) => storage.useDatabase(databases.find(name).uuid, use),
    useBucket: (name, use) => storage.useBucket(buckets.find(name).name, use),
    listResources: () => ({
      databases: databases.records.map(({ name }) => name),
      buckets: buckets.list().map(({ name }) => name),
    }),
    findScript: (name) => scripts.find(name),
    async serveWorker(name) {
      const worker = await serveWorker(scripts.find(name), storage);
      workers.push(worker);
      return worker.url;
    },
    async close() {
      await Promise.all([server, ...workers].map((one) => one.close()));
      await storage.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The parts of wrangler.toml that name resources. A database may have an id there, or not. */
interface Resources {
  readonly d1_databases: { database_name: string; database_id?: string }[];
  readonly r2_buckets: { bucket_name: string }[];
}

async function createResources(databases: Databases, buckets: Buckets): Promise<void> {
  const config = parse(readFileSync(join(REPOSITORY_ROOT, "wrangler.toml"), "utf8")) as unknown as Resources;
  for (const { database_name, database_id } of config.d1_databases)
    await databases.create(database_name, database_id);
  for (const { bucket_name } of config.r2_buckets) await buckets.create(bucket_name);
}
