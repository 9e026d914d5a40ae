/** A worker thread of a fit: does its share of every command until it is terminated. */
import { parentPort, workerData } from "node:worker_threads";
import { COMMANDS, RowPartition } from "./row-partition.ts";
import { BARRIER, type PoolThread, waitWhile } from "./thread-pool.ts";

const { space, thread, meeting } = workerData as PoolThread;
const share = new RowPartition(space, thread);
parentPort?.postMessage("ready");

for (let turn = 0; ; turn++) {
  waitWhile(meeting, BARRIER.turn, turn);
  try {
    share.run(COMMANDS[Atomics.load(meeting, BARRIER.command)]!);
  } catch (error) {
    console.error(error);
    Atomics.add(meeting, BARRIER.failed, 1);
  }
  Atomics.sub(meeting, BARRIER.busy, 1);
  Atomics.notify(meeting, BARRIER.busy);
}
