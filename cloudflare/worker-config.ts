import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";

/** The parts of wrangler.toml that commands need. */
interface WorkerConfig {
  readonly name: string;
  readonly d1_databases: readonly {
    readonly binding: string;
    readonly database_name: string;
    readonly preview_database_id: string;
    readonly migrations_dir: string;
  }[];
  readonly r2_buckets: readonly { readonly binding: string; readonly bucket_name: string }[];
}

/** A database of the Worker. */
export interface DatabaseConfig {
  readonly binding: string;
  readonly name: string;
  /** The id that the simulator stores it under. */
  readonly localId: string;
  /** Folder of its migrations, relative to the repository. */
  readonly migrations: string;
}

const config = parse(
  readFileSync(join(import.meta.dirname, "../wrangler.toml"), "utf8"),
) as unknown as WorkerConfig;

/** Whoever deploys under other names changes them in wrangler.toml only. */
export const WORKER_NAME = config.name;
/** The databases, the registry first. */
export const DATABASES: readonly DatabaseConfig[] = [findDatabase("DB"), findDatabase("LOG_DB")];
export const DATABASE = findDatabase("DB").name;
export const LOG_DATABASE = findDatabase("LOG_DB").name;
export const BUCKET_BINDING = "MODELS";
export const BUCKET = findBinding(config.r2_buckets, BUCKET_BINDING).bucket_name;

function findDatabase(binding: string): DatabaseConfig {
  const { database_name, preview_database_id, migrations_dir } = findBinding(config.d1_databases, binding);
  return { binding, name: database_name, localId: preview_database_id, migrations: migrations_dir };
}

function findBinding<Binding extends { readonly binding: string }>(
  bindings: readonly Binding[],
  name: string,
): Binding {
  const found = bindings.find(({ binding }) => binding === name);
  if (found === undefined) throw new Error(`wrangler.toml has no binding ${name}`);
  return found;
}
