/** The code of a worker thread. It runs each command on its row partition until the thread is terminated. */
import { parentPort, workerData } from "node:worker_threads";
import { BARRIER_CELLS, waitForChange } from "./barrier.ts";
import { COMMANDS, RowPartition } from "./row-partition.ts";
import type { WorkerInput } from "./thread-pool.ts";

const { workspace, thread, barrier } = workerData as WorkerInput;
const partition = new RowPartition(workspace, thread);
parentPort?.postMessage("ready");

for (let generation = 0; ; generation++) {
  waitForChange(barrier, BARRIER_CELLS.generation, generation);
  try {
    partition.run(COMMANDS[Atomics.load(barrier, BARRIER_CELLS.command)]!);
  } catch (error) {
    console.error(error);
    Atomics.add(barrier, BARRIER_CELLS.failures, 1);
  }
  Atomics.sub(barrier, BARRIER_CELLS.running, 1);
  Atomics.notify(barrier, BARRIER_CELLS.running);
}
