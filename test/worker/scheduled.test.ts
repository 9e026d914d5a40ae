import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeEach, describe, expect, it } from "vitest";
import worker from "../../src/index.ts";
import { saveDeadLetter } from "../../src/request-log/write/dead-letters.ts";
import { EACH_MINUTE, EVERY_FIVE_MINUTES } from "../../src/scheduled.ts";
import config from "../../wrangler.toml?raw";
import { empty } from "./support/empty-databases.ts";
import { generator, row } from "./support/log-rows.ts";

const random = generator(23);

beforeEach(empty);

/** Runs the upkeep; says whether letters were drained, and whether hours were counted. */
async function run(cron?: string) {
  await saveDeadLetter(env.MODELS, row(Date.now(), random));
  await worker.scheduled(createScheduledController(cron === undefined ? {} : { cron }), env);
  const { objects } = await env.MODELS.list({ prefix: "log-dead-letters/" });
  const hours = await env.LOG_DB.prepare("SELECT * FROM rollup_hours WHERE counted_at > 0").all();
  return { drained: objects.length === 0, counted: hours.results.length > 0 };
}

describe("upkeep", () => {
  it("drains dead letters in runs of their own", async () => {
    expect(await run(EACH_MINUTE)).toEqual({ drained: true, counted: false });
    expect(await run(EVERY_FIVE_MINUTES)).toEqual({ drained: false, counted: true });
  });

  it("does everything where it is called by hand", async () => {
    expect(await run()).toEqual({ drained: true, counted: true });
  });

  it("has the triggers of wrangler.toml", () => {
    expect(/^crons = (.*)$/m.exec(config)?.[1]).toBe(
      JSON.stringify([EACH_MINUTE, EVERY_FIVE_MINUTES]).replace(",", ", "),
    );
  });
});
