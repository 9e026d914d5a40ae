import { waitAtMost } from "./single-flight.ts";

/** Longest wait for another's turn: only a request that was cut off within its turn keeps it that long. */
const PATIENCE_MS = 10_000;

let last: Promise<void> = Promise.resolve();
let waiting = 0;

/**
 * Does some work when all work before it is done. Overlapping calls corrupt onnxruntime-web for good: each
 * leaks a piece of its stack, and after some hundreds of them every run in the isolate fails.
 */
export async function takeTurn<T>(work: () => Promise<T>): Promise<T> {
  const before = last;
  const { promise, resolve } = Promise.withResolvers<void>();
  last = promise;
  waiting++;
  try {
    if (waiting > 1) await waitAtMost(PATIENCE_MS, before);
    return await work();
  } finally {
    waiting--;
    resolve();
  }
}
