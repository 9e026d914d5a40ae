import { createHash } from "node:crypto";
import type { R2Bucket } from "@cloudflare/workers-types";
import { drizzle } from "drizzle-orm/d1";
import { withLocalBindings } from "../../cloudflare/local-bindings.ts";
import * as schema from "../../src/db/registry/schema.ts";

type RegistryDatabase = ReturnType<typeof drizzle<typeof schema>>;
type LogDatabase = ReturnType<typeof drizzle>;

/** Opens the registry's database and the bucket of a local state. */
export function withRegistry<Result>(
  state: string,
  use: (db: RegistryDatabase, bucket: R2Bucket) => Promise<Result>,
): Promise<Result> {
  return withLocalBindings(state, (env) => use(drizzle(env.DB, { schema }), env.MODELS));
}

/** Opens the log's database of a local state. */
export function withLogDatabase<Result>(
  state: string,
  use: (db: LogDatabase) => Promise<Result>,
): Promise<Result> {
  return withLocalBindings(state, (env) => use(drizzle(env.LOG_DB)));
}

/**
 * Finds faults in a registry that no interruption may leave behind. The result is empty for a sound
 * registry.
 */
export function findRegistryFaults(state: string): Promise<string[]> {
  return withRegistry(state, async (db, bucket) => [
    ...(await findChampionFaults(db)),
    ...(await findModelFaults(db, bucket)),
    ...(await findDatasetFaults(db)),
  ]);
}

async function findChampionFaults(db: RegistryDatabase): Promise<string[]> {
  const models = await db.select().from(schema.models);
  const [champion] = await db.select().from(schema.aliases);
  if (!champion) return ["there is no champion"];
  const { name, version } = champion;
  return models.some((model) => model.name === name && model.version === version)
    ? []
    : [`champion points at ${name}@${version}, which is not in the registry`];
}

async function findModelFaults(db: RegistryDatabase, bucket: R2Bucket): Promise<string[]> {
  const faults: string[] = [];
  const models = await db.select().from(schema.models);
  const datasets = await db.select().from(schema.datasets);
  for (const { name, version, key, sha256, dataset } of models) {
    const file = await bucket.get(key);
    const storedSha256 =
      file &&
      createHash("sha256")
        .update(new Uint8Array(await file.arrayBuffer()))
        .digest("hex");
    if (storedSha256 !== sha256)
      faults.push(`the file of ${name}@${version} is ${storedSha256 === null ? "missing" : "damaged"}`);
    if (!datasets.some(({ seq }) => seq === dataset)) faults.push(`${name}@${version} has no dataset`);
  }
  for (const name of new Set(models.map((model) => model.name))) {
    const versions = models.filter((model) => model.name === name).map((model) => model.version);
    versions.sort((a, b) => a - b);
    if (versions.some((version, i) => version !== i + 1)) faults.push(`${name} has versions ${versions}`);
  }
  return faults;
}

async function findDatasetFaults(db: RegistryDatabase): Promise<string[]> {
  const faults: string[] = [];
  const datasets = await db.select().from(schema.datasets);
  const stones = await db.select().from(schema.diamonds);
  for (const { seq, rows } of datasets) {
    const ids = stones
      .filter((stone) => stone.since <= seq && (stone.until === null || stone.until > seq))
      .map((stone) => stone.id);
    if (ids.length !== rows) faults.push(`dataset ${seq} has ${ids.length} of ${rows} stones`);
    if (new Set(ids).size !== ids.length) faults.push(`dataset ${seq} has a stone twice`);
  }
  return faults;
}
