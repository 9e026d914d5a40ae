import { drizzle } from "drizzle-orm/d1";
import { expect } from "vitest";
import { BUCKET, DATABASE } from "../../../cloudflare/worker-config.ts";
import * as schema from "../../../src/db/registry/schema.ts";
import type { CloudflareApi } from "../../cloudflare-api/start.ts";
import { findFaultsIn, readCopyIn } from "../../support/local-state.ts";
import { startScript } from "../../support/run-script.ts";

type RegistryDatabase = ReturnType<typeof drizzle<typeof schema>>;

/** Runs a command with `--remote` on the stand-in, and returns its output. It must succeed. */
export async function runRemote(api: CloudflareApi, script: string, ...args: string[]): Promise<string> {
  const { code, output } = await startScript([...args, "--remote"], script, api.environment).finished;
  expect(code, output).toBe(0);
  return output;
}

/** Opens the registry's database of the account. */
export function withRemoteRegistry<Result>(
  api: CloudflareApi,
  use: (db: RegistryDatabase) => Promise<Result>,
): Promise<Result> {
  return api.useDatabase(DATABASE, (database) => use(drizzle(database, { schema })));
}

/** Expects a sound registry, and a copy of it in the bucket that is current. */
export async function expectSoundRegistry(api: CloudflareApi): Promise<void> {
  await api.useDatabase(DATABASE, (database) =>
    api.useBucket(BUCKET, async (bucket) => {
      expect(await findFaultsIn(drizzle(database, { schema }), bucket)).toEqual([]);
      const { newest, expected } = await readCopyIn(database, bucket);
      expect(newest).toEqual(expected);
    }),
  );
}

/**
 * Adds versions 2 and 3 of a model, each with a file of its own, so that pruning has one to delete.
 * @returns the key of version 2
 */
export async function addVersions(api: CloudflareApi, name: string): Promise<string> {
  const key = (version: number) => `models/${name}/test-${version}.onnx`;
  await withRemoteRegistry(api, async (db) => {
    const first = (await db.query.models.findMany()).find((model) => model.name === name)!;
    for (const version of [2, 3]) {
      await api.useBucket(BUCKET, (bucket) => bucket.put(key(version), `version ${version}`));
      await db.insert(schema.models).values({ ...first, version, key: key(version), report: null });
    }
  });
  return key(2);
}

/** Versions of all models, as `name@version`. */
export const readVersions = (api: CloudflareApi) =>
  withRemoteRegistry(api, async (db) =>
    (await db.query.models.findMany()).map(({ name, version }) => `${name}@${version}`).sort(),
  );

export const hasObject = (api: CloudflareApi, key: string) =>
  api.useBucket(BUCKET, async (bucket) => (await bucket.head(key)) !== null);
