import { expect, test } from "vitest";
import { RATE_LIMIT_PERIODS_SECONDS } from "../../src/settings/rate-limits.ts";
import { readWranglerConfig } from "./wrangler-config.ts";

test("the periods of the rate limits are those of wrangler.toml", () => {
  const periods = readWranglerConfig().ratelimits.map(({ name, simple }) => [name, simple.period]);
  expect(Object.fromEntries(periods)).toEqual(RATE_LIMIT_PERIODS_SECONDS);
});
