import { join } from "node:path";
import { createKey } from "../../training/registry/keys.ts";
import { PREDICTION } from "../server/request-mix.ts";
import type { Benchmark } from "../support/benchmark.ts";
import { getMedian, measureInRounds, type Variant } from "../support/load.ts";
import type { Series } from "../support/results.ts";
import { openStateDatabase } from "../support/state-database.ts";
import { bundleFacet, startWorkerd, type WorkerdServer } from "../workerd/workerd.ts";

const DEFAULT_SIZES = [10, 100, 1_000];
const DEFAULT_SECONDS = 1;
const MODEL = "gradient-boosting";
const REQUESTS: readonly { readonly name: string; readonly path: string; readonly body?: string }[] = [
  { name: "GET /v1/models", path: "/v1/models" },
  { name: "GET /v1/models/{name}", path: `/v1/models/${MODEL}` },
  { name: "a prediction", path: PREDICTION.path, body: PREDICTION.body! },
];

/** Measures requests over one connection, by the number of versions of the champion's model. */
export async function measureRegistry(benchmark: Benchmark): Promise<Series[]> {
  const sizes = benchmark.getNumbers("versions", DEFAULT_SIZES);
  const facet = await bundleFacet(join(benchmark.scratch, "facet-registry"));
  const prepared = await benchmark.copyTrainedState();
  const target = { kind: "local", state: prepared } as const;
  const key = await createKey(target, { name: "bench", scopes: ["predict"], expiresAt: null });
  const servers: { readonly size: number; readonly server: WorkerdServer }[] = [];
  for (const size of sizes) {
    const state = benchmark.copyState(prepared);
    addVersions(state, size);
    const vars = { ACCESS: "keys", RATE_LIMITS: "off", LOG: "at once" };
    servers.push({ size, server: await startWorkerd(facet, { state, vars }) });
  }
  const variants: Variant[] = servers.flatMap(({ size, server }) =>
    REQUESTS.map(({ name, path, ...body }) => ({
      name: nameVariant(name, size),
      url: `${server.url}${path}`,
      key,
      ...body,
    })),
  );
  const seconds = benchmark.getNumber("seconds", DEFAULT_SECONDS);
  const rounds = await measureInRounds(variants, { connections: 1, seconds, rounds: benchmark.rounds });
  await Promise.all(servers.map(({ server }) => server.stop()));
  benchmark.requireSuccesses(rounds, variants);
  return REQUESTS.map(({ name }) => ({
    name,
    unit: "versions",
    points: sizes.map((size) => ({ size, ms: getMedian(rounds, nameVariant(name, size), "p50Ms") })),
  }));
}

function nameVariant(name: string, size: number): string {
  return `${name}, ${size} versions`;
}

/** Copies the first version of the champion's model. All copies share its file. */
function addVersions(state: string, count: number): void {
  const database = openStateDatabase(state, "diamonds");
  const columns = database
    .prepare("SELECT name FROM pragma_table_info('models')")
    .all()
    .map(({ name }) => String(name));
  const values = columns.map((column) => (column === "version" ? "i" : `"${column}"`));
  database
    .prepare(
      `WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
      INSERT INTO models (${columns.map((column) => `"${column}"`).join(", ")})
      SELECT ${values.join(", ")} FROM models CROSS JOIN n WHERE name = ?2 AND version = 1`,
    )
    .run(count, MODEL);
  database.close();
}
