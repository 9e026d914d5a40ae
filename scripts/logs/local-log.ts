import { globSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { withLocalBindings } from "../../cloudflare/local-bindings.ts";
import { UserError } from "../../cloudflare/user-error.ts";
import type { ChunkContents } from "../../src/request-log/archive/chunk-contents.ts";
import type { ArchiveObject, StoredLog } from "./stored-log.ts";

/** A server that runs on the state can lock the database for a moment. */
const LOCK_TIMEOUT_MS = 10_000;

/**
 * Opens the log of a local state. The database is read from its SQLite file, because that is five times as fast as
 * through the binding.
 */
export async function openLocalLog<Result>(
  state: string,
  use: (log: StoredLog) => Promise<Result>,
): Promise<Result> {
  const database = openLogDatabase(state);
  try {
    return await withLocalBindings(state, ({ MODELS }) =>
      use({
        query: async (sql) => database.prepare(sql).all(),
        async listArchive(prefix) {
          const objects: ArchiveObject[] = [];
          let cursor: string | undefined;
          do {
            const page = await MODELS.list({
              prefix,
              include: ["customMetadata"],
              ...(cursor && { cursor }),
            });
            for (const { key, etag, customMetadata } of page.objects)
              objects.push({ key, etag, contents: customMetadata as unknown as ChunkContents });
            cursor = page.truncated ? page.cursor : undefined;
          } while (cursor !== undefined);
          return objects;
        },
        async getObject(key) {
          const object = await MODELS.get(key);
          return object && new Uint8Array(await object.arrayBuffer());
        },
      }),
    );
  } finally {
    database.close();
  }
}

/** wrangler keeps each simulated database in a SQLite file whose name is a hash. */
function openLogDatabase(state: string): DatabaseSync {
  for (const file of globSync(join(state, "v3/d1/miniflare-D1DatabaseObject/*.sqlite"))) {
    const database = new DatabaseSync(file, { readOnly: true, timeout: LOCK_TIMEOUT_MS });
    const hasRequests = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'requests'";
    if (database.prepare(hasRequests).get() !== undefined) return database;
    database.close();
  }
  throw new UserError(
    `${state} has no log; "npm start" creates one, and --remote reads the one on Cloudflare`,
  );
}
