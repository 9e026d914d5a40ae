import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { withRetry } from "../../src/lib/retry.ts";

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.restoreAllMocks();
  vi.useRealTimers();
});

/**
 * Creates work that fails some times and then returns the number of its call. `calledAt` has the time of
 * each call.
 */
function createFailingWork(failures: number) {
  const calledAt: number[] = [];
  const start = Date.now();
  const work = async () => {
    calledAt.push(Date.now() - start);
    if (calledAt.length <= failures) throw new Error(`failure ${calledAt.length}`);
    return calledAt.length;
  };
  return { work, calledAt };
}

const always = { shouldRetry: () => true };

describe("withRetry", () => {
  it("returns the first result without a delay", async () => {
    const { work, calledAt } = createFailingWork(0);
    expect(await withRetry(work, always)).toBe(1);
    expect(calledAt).toEqual([0]);
  });

  it.each([
    // Math.random() is 0.5: every delay has its nominal length of 100, 200 and 400 ms.
    [0.5, [0, 100, 300, 700]],
    [0, [0, 50, 150, 350]],
  ])("doubles the delay, times a random factor (%f)", async (random, times) => {
    vi.spyOn(Math, "random").mockReturnValue(random);
    const { work, calledAt } = createFailingWork(3);
    const result = withRetry(work, always);
    await vi.advanceTimersByTimeAsync(10_000);
    expect(await result).toBe(4);
    expect(calledAt).toEqual(times);
  });

  it("throws the last error when no attempts are left", async () => {
    const { work, calledAt } = createFailingWork(9);
    const result = withRetry(work, { ...always, maxAttempts: 2, firstDelayMs: 1_000 });
    void result.catch(() => {});
    await vi.advanceTimersByTimeAsync(499);
    expect(calledAt).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(1_001);
    expect(calledAt).toHaveLength(2);
    await expect(result).rejects.toThrow("failure 2");
  });

  it("makes four attempts by default", async () => {
    const { work, calledAt } = createFailingWork(9);
    const result = withRetry(work, always);
    void result.catch(() => {});
    await vi.advanceTimersByTimeAsync(60_000);
    await expect(result).rejects.toThrow("failure 4");
    expect(calledAt).toHaveLength(4);
  });

  it("throws at once an error that must not be retried", async () => {
    const { work, calledAt } = createFailingWork(9);
    const shouldRetry = (error: unknown) => (error as Error).message !== "failure 2";
    const result = withRetry(work, { shouldRetry });
    void result.catch(() => {});
    await vi.advanceTimersByTimeAsync(60_000);
    await expect(result).rejects.toThrow("failure 2");
    expect(calledAt).toHaveLength(2);
  });

  it("spreads the delays of callers that failed together by a factor of 0.5 to 1.5", async () => {
    const random = vi.spyOn(Math, "random");
    for (const value of [0, 0.25, 0.999]) random.mockReturnValueOnce(value);
    const works = Array.from({ length: 3 }, () => createFailingWork(1));
    const results = Promise.all(
      works.map(({ work }) => withRetry(work, { ...always, firstDelayMs: 100_000 })),
    );
    await vi.advanceTimersByTimeAsync(200_000);
    await results;
    random.mockRestore();
    const delays = works.map(({ calledAt }) => calledAt[1]! - calledAt[0]!);
    expect(delays).toEqual([50_000, 75_000, 149_900]);
  });
});
