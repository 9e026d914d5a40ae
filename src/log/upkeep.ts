import { messages } from "../db/failure.ts";
import { archive } from "./archive.ts";
import { drainDeadLetters } from "./dead-letter.ts";
import { rollUp } from "./rollup.ts";

/** What is done for the log every few minutes, in this order. Each says how much there was to do. */
const JOBS: Record<string, (env: Env) => Promise<number>> = {
  "dead letters drained": drainDeadLetters,
  "hours counted": (env) => rollUp(env),
  "rows archived": (env) => archive(env),
};

/** Does them all: where one fails the others are done all the same, and then the run fails. */
export async function keepUp(env: Env): Promise<void> {
  const failures: unknown[] = [];
  for (const [message, job] of Object.entries(JOBS)) {
    try {
      const count = await job(env);
      if (count > 0) console.log(JSON.stringify({ message, count }));
    } catch (error) {
      console.error(JSON.stringify({ message, error: messages(error) }));
      failures.push(error);
    }
  }
  if (failures.length > 0) throw new AggregateError(failures, "the upkeep of the log failed in part");
}
