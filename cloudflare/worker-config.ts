import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";

/** The parts of wrangler.toml that commands need. */
interface WorkerConfig {
  readonly name: string;
  readonly d1_databases: readonly {
    readonly binding: string;
    readonly database_name: string;
    readonly migrations_dir: string;
  }[];
  readonly r2_buckets: readonly { readonly binding: string; readonly bucket_name: string }[];
}

/** The bindings of the two databases. Wrangler accepts a binding wherever it accepts a name. */
export const DATABASE = "DB";
export const LOG_DATABASE = "LOG_DB";

const config = parse(
  readFileSync(join(import.meta.dirname, "../wrangler.toml"), "utf8"),
) as unknown as WorkerConfig;

/** The name of the Worker. Whoever deploys under another name changes it in wrangler.toml only. */
export const WORKER_NAME = config.name;
/** The name of the bucket: `wrangler r2` accepts no binding. */
export const BUCKET = findBucket("MODELS");

function findBucket(binding: string): string {
  const bucket = config.r2_buckets.find((bucket) => bucket.binding === binding);
  if (bucket === undefined) throw new Error(`wrangler.toml has no bucket with the binding ${binding}`);
  return bucket.bucket_name;
}

/** A database of wrangler.toml. */
export interface DatabaseConfig {
  readonly binding: string;
  readonly name: string;
  /** Folder of its migrations, relative to the repository. */
  readonly migrations: string;
}

/** The databases, the registry first. */
export const DATABASES: readonly DatabaseConfig[] = config.d1_databases.map(
  ({ binding, database_name, migrations_dir }) => ({
    binding,
    name: database_name,
    migrations: migrations_dir,
  }),
);
