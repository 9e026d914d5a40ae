import { readFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { parse } from "smol-toml";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { validateJson } from "./test/support/json-schema.ts";
import { lintOpenApi } from "./test/support/lint-openapi.ts";

const registry = await readD1Migrations("migrations/registry");
const log = await readD1Migrations("migrations/log");
/** Variables of a deployment. Without them the tests would have those of .dev.vars. */
const { vars } = parse(readFileSync("wrangler.toml", "utf8")) as { vars: Record<string, string> };
const QUEUE_TESTS = "test/worker/request-log/queue/**/*.test.ts";

/**
 * A project whose tests run in workerd, with the bindings of wrangler.toml and the given
 * options of Miniflare.
 */
function createWorkerdProject(
  name: string,
  files: { include: string[]; exclude?: string[] },
  miniflareOptions: Record<string, unknown> = {},
): TestProjectInlineConfiguration {
  return {
    plugins: [
      cloudflareTest({
        // Without the start of the ONNX runtime, which would take seconds in each file.
        main: "./src/worker.ts",
        wrangler: { configPath: "./wrangler.toml" },
        miniflare: {
          // Most tests send no key and more requests than the rate limits allow. The tests of access and
          // rate limits use the bindings of a deployment.
          bindings: {
            ...vars,
            TEST_MIGRATIONS: { registry, log },
            ACCESS: "open",
            RATE_LIMITS: "off",
            // The tests of the archive use dates that depend on this number, whatever wrangler.toml says.
            LOG_RETENTION_DAYS: "90",
          },
          serviceBindings: { JSON_SCHEMA: validateJson, OPENAPI_LINT: lintOpenApi },
          ...miniflareOptions,
        },
      }),
    ],
    test: {
      name,
      ...files,
      globalSetup: ["test/support/worker-models.ts"],
      setupFiles: ["test/worker/support/setup.ts"],
      testTimeout: 60_000,
      hookTimeout: 120_000,
    },
  };
}

export default defineConfig({
  test: {
    // Many tests wait for the Worker, so more of them can run at once than there are cores.
    maxWorkers: Math.max(4, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: "training",
          environment: "node",
          include: ["training", "domain", "lib", "settings", "cloudflare", "client"].map(
            (folder) => `test/${folder}/**/*.test.ts`,
          ),
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      {
        // Tests that start the trainer and wrangler as processes. They need the whole machine, so
        // they run last.
        test: {
          name: "system",
          environment: "node",
          include: ["test/system/**/*.test.ts"],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        // Longer tests of the same kind: `npm run test:long`.
        test: {
          name: "long",
          environment: "node",
          include: ["test/long/**/*.test.ts"],
          testTimeout: 1_200_000,
          hookTimeout: 600_000,
        },
      },
      {
        // Pages in an installed browser: `npm run test:web`.
        test: {
          name: "web",
          environment: "node",
          include: ["test/web/**/*.test.ts"],
          globalSetup: ["test/web/support/trained-state.ts"],
          testTimeout: 120_000,
          hookTimeout: 600_000,
        },
      },
      createWorkerdProject("worker", { include: ["test/worker/**/*.test.ts"], exclude: [QUEUE_TESTS] }),
      // The queues that wrangler.toml has in comments, with shorter times.
      createWorkerdProject(
        "queue",
        { include: [QUEUE_TESTS] },
        {
          queueProducers: { LOG_QUEUE: "facet-log" },
          queueConsumers: {
            "facet-log": {
              maxBatchSize: 100,
              maxBatchTimeout: 0.2,
              maxRetries: 3,
              retryDelay: 0,
              deadLetterQueue: "facet-log-dead-letters",
            },
            "facet-log-dead-letters": {
              maxBatchSize: 100,
              maxBatchTimeout: 0.2,
              maxRetries: 3,
              retryDelay: 0,
            },
          },
        },
      ),
    ],
  },
});
