import { createHash } from "node:crypto";
import type { D1Database, R2Bucket } from "@cloudflare/workers-types";
import { drizzle } from "drizzle-orm/d1";
import { withLocalBindings } from "../../cloudflare/local-bindings.ts";
import { TRANSIENT_ERROR } from "../../cloudflare/wrangler.ts";
import { describeError } from "../../src/db/errors.ts";
import * as schema from "../../src/db/registry/schema.ts";
import {
  buildCopy,
  COPY_PREFIX,
  COPY_QUERIES,
  parseCopy,
  parseCopyKey,
  type RegistryCopy,
} from "../../src/db/registry-copy/schema.ts";
import { CHAMPION } from "../../src/domain/models/model-selector.ts";
import { withRetry } from "../../src/lib/retry.ts";

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

/** The newest copy of the registry in the bucket, and what the copy should be now. */
export function readRegistryCopy(
  state: string,
): Promise<{ newest: RegistryCopy | null; expected: RegistryCopy }> {
  return withLocalBindings(state, ({ DB, MODELS }) => readCopyIn(DB, MODELS));
}

/** The same for a database and a bucket that are open already. */
export async function readCopyIn(
  database: D1Database,
  bucket: R2Bucket,
): Promise<{ newest: RegistryCopy | null; expected: RegistryCopy }> {
  const { objects } = await bucket.list({ prefix: COPY_PREFIX, limit: 1 });
  const [object] = objects;
  const text = object && (await (await bucket.get(object.key))?.text());
  const newest = text ? parseCopy(text, parseCopyKey(object.key) ?? -1) : null;
  const statements = COPY_QUERIES.map((sql) => database.prepare(sql));
  const results = await database.batch<Record<string, unknown>>(statements);
  return { newest, expected: buildCopy(results.map((result) => result.results)) };
}

/** While another process writes, the local database and bucket report that they are locked. */
const WHILE_LOCKED = {
  shouldRetry: (error: unknown) => TRANSIENT_ERROR.test(describeError(error)),
  maxAttempts: 8,
  firstDelayMs: 100,
};

/** The rows of a registry, read in one transaction. */
interface RegistryRows {
  readonly models: readonly (typeof schema.models.$inferSelect)[];
  readonly aliases: readonly (typeof schema.aliases.$inferSelect)[];
  readonly datasets: readonly (typeof schema.datasets.$inferSelect)[];
  readonly stones: readonly (typeof schema.diamonds.$inferSelect)[];
}

/**
 * Finds faults in a registry that no interruption may leave behind. The result is empty for a sound
 * registry. Another process may write to the registry meanwhile.
 */
export function findRegistryFaults(state: string): Promise<string[]> {
  return withRegistry(state, findFaultsIn);
}

/** The same for databases that are open already. */
export async function findFaultsIn(db: RegistryDatabase, bucket: R2Bucket): Promise<string[]> {
  const rows = await readRegistryRows(db);
  return [
    ...findChampionFaults(rows),
    ...(await findFileFaults(rows, bucket)),
    ...findVersionFaults(rows),
    ...findDatasetFaults(rows),
  ];
}

async function readRegistryRows(db: RegistryDatabase): Promise<RegistryRows> {
  const read = () =>
    db.batch([
      db.select().from(schema.models),
      db.select().from(schema.aliases),
      db.select().from(schema.datasets),
      db.select().from(schema.diamonds),
    ]);
  const [models, aliases, datasets, stones] = await withRetry(read, WHILE_LOCKED);
  return { models, aliases, datasets, stones };
}

function findChampionFaults({ aliases, models }: RegistryRows): string[] {
  const champion = aliases.find(({ alias }) => alias === CHAMPION);
  if (!champion) return ["there is no champion"];
  const { name, version } = champion;
  return models.some((model) => model.name === name && model.version === version)
    ? []
    : [`champion points at ${name}@${version}, which is not in the registry`];
}

async function findFileFaults({ models }: RegistryRows, bucket: R2Bucket): Promise<string[]> {
  const faults: string[] = [];
  for (const { name, version, key, sha256 } of models) {
    const file = await withRetry(() => bucket.get(key), WHILE_LOCKED);
    const storedSha256 =
      file &&
      createHash("sha256")
        .update(new Uint8Array(await file.arrayBuffer()))
        .digest("hex");
    if (storedSha256 !== sha256)
      faults.push(`the file of ${name}@${version} is ${storedSha256 === null ? "missing" : "damaged"}`);
  }
  return faults;
}

function findVersionFaults({ models, datasets }: RegistryRows): string[] {
  const faults = models
    .filter(({ dataset }) => !datasets.some(({ seq }) => seq === dataset))
    .map(({ name, version }) => `${name}@${version} has no dataset`);
  for (const name of new Set(models.map((model) => model.name))) {
    const versions = models.filter((model) => model.name === name).map((model) => model.version);
    versions.sort((a, b) => a - b);
    if (versions.some((version, i) => version !== i + 1)) faults.push(`${name} has versions ${versions}`);
  }
  return faults;
}

function findDatasetFaults({ datasets, stones }: RegistryRows): string[] {
  const faults: string[] = [];
  for (const { seq, rows } of datasets) {
    const ids = stones
      .filter((stone) => stone.since <= seq && (stone.until === null || stone.until > seq))
      .map((stone) => stone.id);
    if (ids.length !== rows) faults.push(`dataset ${seq} has ${ids.length} of ${rows} stones`);
    if (new Set(ids).size !== ids.length) faults.push(`dataset ${seq} has a stone twice`);
  }
  return faults;
}
