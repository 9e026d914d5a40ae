import { expect, test } from "vitest";
import { BUCKET, DATABASES, WORKER_NAME } from "../../cloudflare/worker-config.ts";
import { WRANGLER_TOML } from "./wrangler-config.ts";

test("commands know the names of wrangler.toml, the registry first", () => {
  expect([WORKER_NAME, ...DATABASES.map(({ name }) => name), BUCKET]).toEqual(
    Array.from(
      WRANGLER_TOML.matchAll(/^(?:name|database_name|bucket_name) = "(facet[a-z-]*)"$/gm),
      ([, name]) => name,
    ),
  );
});

// wrangler keeps a local database under this id, else under its database_id. With an id of Cloudflare instead,
// the local state of everybody who has this checkout would look empty.
test("each database keeps its local name, whatever id Cloudflare gives it", () => {
  const ids = [...WRANGLER_TOML.matchAll(/^preview_database_id = "(.*)"$/gm)].map(([, id]) => id);
  expect(ids).toEqual(["00000000-0000-0000-0000-000000000001", "00000000-0000-0000-0000-000000000002"]);
});
