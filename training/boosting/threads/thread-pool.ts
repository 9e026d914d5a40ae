import { Worker } from "node:worker_threads";
import type { Workspace } from "../workspace.ts";
import { BARRIER_CELLS, createBarrier, waitForChange } from "./barrier.ts";
import { COMMANDS, type Command, RowPartition } from "./row-partition.ts";

/** The threads of a fit. */
export interface ThreadPool {
  /**
   * Runs a command on every thread's row partition. Returns when all threads have finished.
   * @throws Error if a thread failed
   */
  run(command: Command): void;
  stop(): Promise<void>;
}

/** The data that a worker thread starts with. */
export interface WorkerInput {
  readonly workspace: Workspace;
  readonly thread: number;
  readonly barrier: Int32Array;
}

/** Starts the worker threads of a workspace. The calling thread is thread 0 of the pool. */
export async function startThreadPool(workspace: Workspace): Promise<ThreadPool> {
  const partition = new RowPartition(workspace, 0);
  if (workspace.threadCount === 1) return { run: (command) => partition.run(command), stop: async () => {} };

  const barrier = createBarrier();
  const workers = Array.from({ length: workspace.threadCount - 1 }, (_, i) => {
    const input: WorkerInput = { workspace, thread: i + 1, barrier };
    return new Worker(new URL("./thread-pool-worker.ts", import.meta.url), { workerData: input });
  });
  const stop = async () => {
    await Promise.all(workers.map((worker) => worker.terminate()));
  };
  try {
    await Promise.all(workers.map(waitUntilReady));
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    run(command) {
      Atomics.store(barrier, BARRIER_CELLS.command, COMMANDS.indexOf(command));
      Atomics.store(barrier, BARRIER_CELLS.running, workers.length);
      Atomics.add(barrier, BARRIER_CELLS.generation, 1);
      Atomics.notify(barrier, BARRIER_CELLS.generation);
      partition.run(command);
      for (
        let running = workers.length;
        running > 0;
        running = Atomics.load(barrier, BARRIER_CELLS.running)
      ) {
        waitForChange(barrier, BARRIER_CELLS.running, running);
      }
      if (Atomics.load(barrier, BARRIER_CELLS.failures) > 0) {
        throw new Error(`a training thread failed to run ${command}`);
      }
    },
    stop,
  };
}

function waitUntilReady(worker: Worker): Promise<void> {
  return new Promise((resolve, reject) => {
    worker.once("message", () => resolve());
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`a training thread exited with code ${code}`)));
  });
}
