/** A worker thread of a fit: does its share of every command until it is terminated. */
import { parentPort, workerData } from "node:worker_threads";
import { COMMANDS, Share } from "./row-partition.ts";
import { type CrewMember, MEETING, waitWhile } from "./thread-pool.ts";

const { space, thread, meeting } = workerData as CrewMember;
const share = new Share(space, thread);
parentPort?.postMessage("ready");

for (let turn = 0; ; turn++) {
  waitWhile(meeting, MEETING.turn, turn);
  try {
    share.run(COMMANDS[Atomics.load(meeting, MEETING.command)]!);
  } catch (error) {
    console.error(error);
    Atomics.add(meeting, MEETING.failed, 1);
  }
  Atomics.sub(meeting, MEETING.busy, 1);
  Atomics.notify(meeting, MEETING.busy);
}
