/** The retries of D1 statements, with the timers of workerd: test/lib has the tests of the delays. */
import { describe, expect, it, vi } from "vitest";
import { isRetryable } from "../../../src/db/errors.ts";
import { withRetry } from "../../../src/lib/retry.ts";
import { createConnectionLostError } from "../support/faults.ts";

const OPTIONS = { shouldRetry: isRetryable, firstDelayMs: 1 };

describe("withRetry of a D1 statement", () => {
  it("repeats it when the connection was lost", async () => {
    const work = vi.fn(async () => "done").mockRejectedValueOnce(createConnectionLostError());
    expect(await withRetry(work, OPTIONS)).toBe("done");
    expect(work).toHaveBeenCalledTimes(2);
  });

  it("does not repeat it when it would fail again", async () => {
    const work = vi.fn(() => Promise.reject(new Error("D1_ERROR: no such column: x")));
    await expect(withRetry(work, OPTIONS)).rejects.toThrow("no such column");
    expect(work).toHaveBeenCalledTimes(1);
  });
});
