import { describe, expect, it } from "vitest";
import { DEAD_LETTER_QUEUE, ERASED_ID_RETENTION_DAYS, LOG_QUEUE } from "../../src/settings/retention.ts";
import { readWranglerConfig, WRANGLER_TOML } from "./wrangler-config.ts";

const DAY_SECONDS = 86_400;

describe("the queue of the log", () => {
  const { producers, consumers } = readWranglerConfig().queues;

  it("has the settings of wrangler.toml", () => {
    expect(producers).toEqual([{ binding: "LOG_QUEUE", queue: LOG_QUEUE.name }]);
    expect(consumers).toMatchObject([
      {
        queue: LOG_QUEUE.name,
        max_retries: LOG_QUEUE.maxRetries,
        retry_delay: LOG_QUEUE.retryDelaySeconds,
        dead_letter_queue: DEAD_LETTER_QUEUE.name,
      },
      {
        queue: DEAD_LETTER_QUEUE.name,
        max_retries: DEAD_LETTER_QUEUE.maxRetries,
        retry_delay: DEAD_LETTER_QUEUE.retryDelaySeconds,
      },
    ]);
  });

  it.each([LOG_QUEUE, DEAD_LETTER_QUEUE])(
    "is created with its retention: $name",
    ({ name, retentionSeconds }) => {
      expect(WRANGLER_TOML.split("\n")).toContain(
        `#   npx wrangler queues create ${name} --message-retention-period-secs ${retentionSeconds}`,
      );
    },
  );
});

describe("the ids of erased requests", () => {
  it("are kept longer than a record can stay in the queues", () => {
    const longestSeconds = [LOG_QUEUE, DEAD_LETTER_QUEUE]
      .map(({ retentionSeconds, maxRetries, retryDelaySeconds }) => {
        return retentionSeconds + maxRetries * retryDelaySeconds;
      })
      .reduce((sum, seconds) => sum + seconds, 0);
    expect(ERASED_ID_RETENTION_DAYS * DAY_SECONDS).toBeGreaterThan(longestSeconds);
  });
});
