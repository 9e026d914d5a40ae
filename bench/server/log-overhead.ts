import { cpSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import { median } from "../../src/lib/statistics.ts";
import { sendRequest } from "./http-client.ts";
import { PREDICTION } from "./request-mix.ts";
import { readStoredLog } from "./stored-log.ts";
import { startWorkerCopy } from "./worker-copy.ts";

const WARM_UP_REQUESTS = 300;
const MEASURED_REQUESTS = 1500;

/** Times predictions over one connection, alternately with the log and without it, and prints the ratios. */
export async function measureLogOverhead(folder: string, state: string, pairs: number): Promise<void> {
  const stateWithoutLog = join(folder, "state-without-log");
  cpSync(state, stateWithoutLog, { recursive: true });
  const withLog = await startWorkerCopy(join(folder, "with-log"), { state, log: true });
  const withoutLog = await startWorkerCopy(join(folder, "without-log"), {
    state: stateWithoutLog,
    log: false,
  });

  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const ratios: number[] = [];
  console.log("\n| median with the log | without | ratio |\n|---|---|---|");
  for (let pair = 0; pair < pairs; pair++) {
    const medians = { withLog: 0, withoutLog: 0 };
    // The order alternates, because the first measurement of a pair may influence the second.
    for (const kind of pair % 2 === 0
      ? (["withLog", "withoutLog"] as const)
      : (["withoutLog", "withLog"] as const))
      medians[kind] = await measureMedian(agent, kind === "withLog" ? withLog.url : withoutLog.url);
    const ratio = medians.withLog / medians.withoutLog;
    ratios.push(ratio);
    console.log(
      `| ${medians.withLog.toFixed(3)} ms | ${medians.withoutLog.toFixed(3)} ms | ${ratio.toFixed(3)} |`,
    );
  }
  agent.destroy();
  await Promise.all([withLog.stop(), withoutLog.stop()]);
  const rows = (await readStoredLog(state)).rows.length;
  const rowsWithoutLog = (await readStoredLog(stateWithoutLog)).rows.length;
  console.log(`\nmedian ratio of ${pairs} pairs: ${median(ratios).toFixed(3)}`);
  console.log(`rows that only the server with the log has written: ${rows - rowsWithoutLog}`);
}

async function measureMedian(agent: Agent, url: string): Promise<number> {
  for (let i = 0; i < WARM_UP_REQUESTS; i++) await sendRequest(agent, url, PREDICTION);
  const durations: number[] = [];
  for (let i = 0; i < MEASURED_REQUESTS; i++)
    durations.push((await sendRequest(agent, url, PREDICTION)).durationMs);
  return median(durations);
}
