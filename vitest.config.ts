import { availableParallelism } from "node:os";
import { cloudflareTest, readD1Migrations } from "@cloudflare/vitest-plugin";
import { defineConfig, type TestProjectInlineConfiguration } from "vitest/config";
import { validateJson } from "./test/support/json-schema.ts";
import { lintOpenApi } from "./test/support/lint-openapi.ts";

const registry = await readD1Migrations("migrations/registry");
const log = await readD1Migrations("migrations/log");
const WITH_QUEUE = "test/worker/request-log/queue/**/*.test.ts";

/** Tests in the Worker's own runtime, with the bindings of wrangler.toml and those given. */
function inWorkerd(
  name: string,
  files: { include: string[]; exclude?: string[] },
  bindings: Record<string, unknown> = {},
): TestProjectInlineConfiguration {
  return {
    plugins: [
      cloudflareTest({
        wrangler: { configPath: "./wrangler.toml" },
        miniflare: {
          // Most tests ask without a key, and more than anybody may; those of access and limits take the
          // bindings of a deployment.
          bindings: { TEST_MIGRATIONS: { registry, log }, ACCESS: "open", RATE_LIMITS: "off" },
          serviceBindings: { JSON_SCHEMA: validateJson, OPENAPI_LINT: lintOpenApi },
          ...bindings,
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
    // On a machine of two cores vitest would take one; many tests of the Worker wait for it rather than work.
    maxWorkers: Math.max(4, availableParallelism() - 1),
    projects: [
      {
        test: {
          name: "training",
          environment: "node",
          include: ["training", "domain", "lib", "cloudflare"].map((folder) => `test/${folder}/**/*.test.ts`),
          testTimeout: 60_000,
        },
      },
      {
        // Whole processes: the trainer, wrangler, the kill tests. They need the machine, so they come last.
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
        // The same at length: `npm run test:long`.
        test: {
          name: "long",
          environment: "node",
          include: ["test/long/**/*.test.ts"],
          testTimeout: 1_200_000,
          hookTimeout: 600_000,
        },
      },
      {
        // Pages in a real browser, which must be there: `npm run test:web`.
        test: {
          name: "web",
          environment: "node",
          include: ["test/web/**/*.test.ts"],
          testTimeout: 60_000,
          hookTimeout: 120_000,
        },
      },
      inWorkerd("worker", { include: ["test/worker/**/*.test.ts"], exclude: [WITH_QUEUE] }),
      // What wrangler.toml has in comments, with shorter times.
      inWorkerd(
        "queue",
        { include: [WITH_QUEUE] },
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
