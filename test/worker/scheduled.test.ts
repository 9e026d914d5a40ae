import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import { saveDeadLetter } from "../../src/request-log/write/dead-letters.ts";
import { BETWEEN_FIVE_MINUTES, EVERY_FIVE_MINUTES, EVERY_MINUTE } from "../../src/settings/call-budgets.ts";
import worker from "../../src/worker.ts";
import { createRandom } from "../support/random.ts";
import { emptyStorage } from "./support/empty-storage.ts";
import { createRecord, readDeadLetterIds } from "./support/request-log/log-rows.ts";

const random = createRandom(23);

beforeEach(emptyStorage);

/**
 * Runs the scheduled jobs. Returns whether dead-letter records were drained and whether hours were counted.
 */
async function runScheduled(cron?: string): Promise<{ drained: boolean; counted: boolean }> {
  await saveDeadLetter(env.MODELS, createRecord(Date.now(), random));
  await worker.scheduled(createScheduledController(cron === undefined ? {} : { cron }), env);
  const deadLetterIds = await readDeadLetterIds();
  const hours = await env.LOG_DB.prepare("SELECT * FROM rollup_hours WHERE counted_at > 0").all();
  return { drained: deadLetterIds.length === 0, counted: hours.results.length > 0 };
}

describe("scheduled jobs", () => {
  it("drain dead letters with their own cron trigger", async () => {
    expect(await runScheduled(EVERY_MINUTE)).toEqual({ drained: true, counted: false });
    expect(await runScheduled(EVERY_FIVE_MINUTES)).toEqual({ drained: false, counted: true });
  });

  it("continue erasures with their own cron trigger", async () => {
    const countErasures = async () =>
      (await env.LOG_DB.prepare("SELECT id FROM erasures").all()).results.length;
    await env.LOG_DB.prepare("INSERT INTO erasures (id, at) VALUES ('x', 0)").run();
    await runScheduled(EVERY_FIVE_MINUTES);
    expect(await countErasures()).toBe(1);
    expect(await runScheduled(BETWEEN_FIVE_MINUTES)).toEqual({ drained: false, counted: true });
    expect(await countErasures()).toBe(0);
  });

  it("all run without a cron trigger", async () => {
    expect(await runScheduled()).toEqual({ drained: true, counted: true });
  });
});
