import { describe, expect, it } from "vitest";
import { DEFAULT_CALL_TIMEOUT_MS } from "../../src/lib/call-budget.ts";
import { MINUTE_MS } from "../../src/lib/time.ts";
import {
  BETWEEN_FIVE_MINUTES,
  CRON_RUN_LIMITS,
  DRAIN_BUDGET,
  ERASE_JOB_BUDGET,
  ERASE_LEASE_MS,
  ERASE_REQUEST_BUDGET,
  EVERY_FIVE_MINUTES,
  EVERY_MINUTE,
  JOB_BUDGETS,
  REGISTRY_COPY_TIMEOUT_MS,
  ROLLUP_BUDGET,
} from "../../src/settings/call-budgets.ts";
import { readWranglerConfig } from "./wrangler-config.ts";

describe("scheduled jobs", () => {
  it("have the triggers of wrangler.toml", () => {
    expect(readWranglerConfig().triggers.crons).toEqual([
      EVERY_MINUTE,
      EVERY_FIVE_MINUTES,
      BETWEEN_FIVE_MINUTES,
    ]);
  });

  it.each([EVERY_MINUTE, EVERY_FIVE_MINUTES, BETWEEN_FIVE_MINUTES])(
    "make together at most the calls that a run with the trigger %s may make",
    (trigger) => {
      const jobs = Object.values(JOB_BUDGETS).filter(({ cron }) => cron === trigger);
      expect(jobs.length).toBeGreaterThan(0);
      const calls = jobs.reduce((sum, job) => sum + job.calls, 0);
      expect(calls).toBeLessThanOrEqual(CRON_RUN_LIMITS.calls);
    },
  );

  it("end before the platform stops them, and draining ends before its next run", () => {
    expect(REGISTRY_COPY_TIMEOUT_MS + DRAIN_BUDGET.ms).toBeLessThan(MINUTE_MS);
    expect(ROLLUP_BUDGET.ms).toBeLessThan(CRON_RUN_LIMITS.ms);
  });

  it("end an erasure before its lease ends, and the lease before the next run", () => {
    // The last step can begin at the end of the time, and makes two calls.
    const longestMs = Math.max(ERASE_JOB_BUDGET.ms, ERASE_REQUEST_BUDGET.ms) + 2 * DEFAULT_CALL_TIMEOUT_MS;
    expect(longestMs).toBeLessThan(ERASE_LEASE_MS);
    expect(ERASE_LEASE_MS).toBeLessThan(5 * MINUTE_MS);
    expect(ERASE_REQUEST_BUDGET.calls).toBeLessThan(CRON_RUN_LIMITS.calls / 2 + 1);
  });
});
