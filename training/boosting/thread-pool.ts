import { Worker } from "node:worker_threads";
import { COMMANDS, type Command, RowPartition } from "./row-partition.ts";
import type { Workspace } from "./workspace.ts";

/** The threads of a fit. */
export interface ThreadPool {
  /**
   * Has every thread do a command on its rows; returns when all have.
   * @throws Error where a thread failed
   */
  run(command: Command): void;
  stop(): Promise<void>;
}

/** How the threads meet: cells of the shared `Int32Array`. */
export const BARRIER = {
  /** Counts commands; a worker waits for it to change. */
  turn: 0,
  /** The command, an index into `COMMANDS`. */
  command: 1,
  /** Workers that have not done the command. */
  busy: 2,
  failed: 3,
} as const;

/** What a worker thread is started with. */
export interface PoolThread {
  readonly space: Workspace;
  readonly thread: number;
  readonly meeting: Int32Array;
}

/** Looks at a cell this often before going to sleep: about 20 microseconds, most waits are shorter. */
const SPINS = 4000;

/** Waits while the cell holds the value: awake at first, as waking a thread takes longer than most waits. */
export function waitWhile(meeting: Int32Array, cell: number, value: number): void {
  for (let i = 0; i < SPINS; i++) if (Atomics.load(meeting, cell) !== value) return;
  while (Atomics.load(meeting, cell) === value) Atomics.wait(meeting, cell, value);
}

/** Starts the other threads that the workspace was made for; the first is the caller's own. */
export async function startThreadPool(space: Workspace): Promise<ThreadPool> {
  const share = new RowPartition(space, 0);
  if (space.threads === 1) return { run: (command) => share.run(command), stop: async () => {} };

  const meeting = new Int32Array(new SharedArrayBuffer(4 * Object.keys(BARRIER).length));
  const workers = Array.from({ length: space.threads - 1 }, (_, i) => {
    const member: PoolThread = { space, thread: i + 1, meeting };
    return new Worker(new URL("./thread-pool-worker.ts", import.meta.url), { workerData: member });
  });
  const stop = async () => {
    await Promise.all(workers.map((worker) => worker.terminate()));
  };
  try {
    await Promise.all(workers.map(ready));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    run(command) {
      Atomics.store(meeting, BARRIER.command, COMMANDS.indexOf(command));
      Atomics.store(meeting, BARRIER.busy, workers.length);
      Atomics.add(meeting, BARRIER.turn, 1);
      Atomics.notify(meeting, BARRIER.turn);
      share.run(command);
      for (let busy = workers.length; busy > 0; busy = Atomics.load(meeting, BARRIER.busy)) {
        waitWhile(meeting, BARRIER.busy, busy);
      }
      if (Atomics.load(meeting, BARRIER.failed) > 0)
        throw new Error(`a training thread failed at ${command}`);
    },
    stop,
  };
}

function ready(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`a training thread left with code ${code}`)));
  });
}
