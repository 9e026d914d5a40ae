/**
 * Changes the time that the Worker sees. Its caches read the global clock, so a test cannot pass its own
 * clock.
 */
import { vi } from "vitest";

/** Moves `Date.now()` forwards, or backwards if negative, and stops it. `vi.useRealTimers()` undoes it. */
export function moveClock(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000);
}

/** Moves `Date.now()` forwards and lets it go on. `vi.restoreAllMocks()` undoes it. */
export function skipTime(seconds: number): void {
  const now = Date.now.bind(Date);
  vi.spyOn(Date, "now").mockImplementation(() => now() + seconds * 1000);
}

/** Stops the clock. A test of what is still remembered does not fail on a slow machine then. */
export function stopClock(): void {
  moveClock(0);
}

/** Speeds up timers and the clock by a factor. `vi.restoreAllMocks()` undoes it. */
export function speedUpTime(factor: number): void {
  const wait = scheduler.wait.bind(scheduler);
  const now = Date.now.bind(Date);
  const startedAt = now();
  const originalSetTimeout = setTimeout;
  vi.spyOn(scheduler, "wait").mockImplementation((ms, options) => wait(ms / factor, options));
  vi.spyOn(globalThis, "setTimeout").mockImplementation(((callback: () => void, ms = 0) =>
    originalSetTimeout(callback, ms / factor)) as typeof setTimeout);
  vi.spyOn(Date, "now").mockImplementation(() => startedAt + (now() - startedAt) * factor);
}
