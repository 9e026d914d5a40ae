/**
 * A barrier in shared memory: the main thread starts a command on all workers and waits until all have
 * finished.
 */

/** The cells of the barrier, an `Int32Array` on a `SharedArrayBuffer`. */
export const BARRIER_CELLS = {
  /** Number of commands so far. A worker waits until it changes. */
  generation: 0,
  /** The current command, an index into `COMMANDS`. */
  command: 1,
  /** Number of workers that have not finished the current command. */
  running: 2,
  /** Number of commands that failed. */
  failures: 3,
} as const;

/** Number of checks before a thread sleeps, about 20 microseconds. Most waits are shorter. */
const MAX_SPINS = 4000;

export function createBarrier(): Int32Array {
  return new Int32Array(new SharedArrayBuffer(4 * Object.keys(BARRIER_CELLS).length));
}

/**
 * Waits until the cell does not hold the value. It spins first, because waking a thread takes longer than
 * most waits.
 */
export function waitForChange(barrier: Int32Array, cell: number, value: number): void {
  for (let i = 0; i < MAX_SPINS; i++) if (Atomics.load(barrier, cell) !== value) return;
  while (Atomics.load(barrier, cell) === value) Atomics.wait(barrier, cell, value);
}
