import { afterEach, describe, expect, it, vi } from "vitest";
import { withRetry } from "../../src/lib/retry.ts";
import { sleep } from "../../src/lib/time.ts";
import {
  AFTER_RESPONSE_LIMIT_MS,
  AFTER_RESPONSE_STAGES_MS,
  DEAD_LETTER_PUT_TIMEOUT_MS,
  DEAD_LETTER_RETRY,
  longestRetryMs,
} from "../../src/settings/timeouts.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

describe("the work after a response", () => {
  it("ends before the platform stops it, even if every stage times out", () => {
    const totalMs = Object.values(AFTER_RESPONSE_STAGES_MS).reduce((sum, ms) => sum + ms, 0);
    expect(totalMs).toBeLessThan(AFTER_RESPONSE_LIMIT_MS);
  });
});

describe("longestRetryMs", () => {
  it("is the time that withRetry takes if every attempt times out", async () => {
    vi.useFakeTimers();
    vi.spyOn(Math, "random").mockReturnValue(1);
    const start = Date.now();
    const attempt = async () => {
      await sleep(DEAD_LETTER_PUT_TIMEOUT_MS);
      throw new Error("timeout");
    };
    const saving = withRetry(attempt, { ...DEAD_LETTER_RETRY, shouldRetry: () => true }).catch(() =>
      Date.now(),
    );
    await vi.runAllTimersAsync();
    expect((await saving) - start).toBe(longestRetryMs(DEAD_LETTER_RETRY, DEAD_LETTER_PUT_TIMEOUT_MS));
  });
});
