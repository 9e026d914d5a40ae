import { afterEach, describe, expect, it, vi } from "vitest";
import { withRetry } from "../../../src/lib/retry.ts";
import { lost } from "../support/faults.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

/** Work that fails so many times; and the pauses that were made. */
function failing(times: number, error: Error) {
  const pauses: number[] = [];
  vi.spyOn(scheduler, "wait").mockImplementation(async (ms) => {
    pauses.push(ms);
  });
  let calls = 0;
  const work = vi.fn(async () => {
    if (++calls <= times) throw error;
    return calls;
  });
  return { work, pauses };
}

describe("retried", () => {
  it("does it again where D1 says that this may help, with pauses that double", async () => {
    const { work, pauses } = failing(3, lost());
    expect(await withRetry(work)).toBe(4);
    expect(pauses).toHaveLength(3);
    for (const [i, pause] of pauses.entries()) {
      expect(pause).toBeGreaterThanOrEqual(50 * 2 ** i);
      expect(pause).toBeLessThan(150 * 2 ** i);
    }
  });

  it("gives up after its attempts", async () => {
    const { work } = failing(9, lost());
    await expect(withRetry(work)).rejects.toThrow("Network connection lost");
    expect(work).toHaveBeenCalledTimes(4);
    const twice = failing(9, new Error("R2 is down"));
    await expect(
      withRetry(twice.work, { attempts: 2, firstDelayMs: 1000, shouldRetry: () => true }),
    ).rejects.toThrow("R2");
    expect(twice.work).toHaveBeenCalledTimes(2);
    expect(twice.pauses[0]).toBeGreaterThanOrEqual(500);
  });

  it("does nothing again that would fail again", async () => {
    const { work } = failing(1, new Error("D1_ERROR: no such column: x"));
    await expect(withRetry(work)).rejects.toThrow("no such column");
    expect(work).toHaveBeenCalledTimes(1);
  });

  it("spreads the pauses of many", async () => {
    const { work, pauses } = failing(20, lost());
    await Promise.all(Array.from({ length: 10 }, () => withRetry(work)));
    expect(new Set(pauses).size).toBe(pauses.length);
  });
});
