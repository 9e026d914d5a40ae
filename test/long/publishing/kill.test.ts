import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { findRegistryFaults } from "../../support/local-state.ts";
import { type RunningScript, startScript, TRAIN_MEDIAN } from "../../support/run-script.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";
import { CSV_ROWS, writeStonesCsv } from "../../support/stones-csv.ts";

/** Number of runs that are killed, each at a later moment than the one before. */
const KILLS = 20;
/** Number of local states that are trained at the same time. */
const STATES = 2;
const folder = createScratchFolder();
afterAll(() => folder.remove());

describe.each([
  { name: "publishing", firstOutput: "publish:", args: [] },
  { name: "adding a feed", firstOutput: "read:", args: ["--append", "--accept-feed"] },
])("the trainer, killed while it is $name", ({ name, firstOutput, args }) => {
  const getState = (i: number) => join(folder.path, `${name.replaceAll(" ", "-")}-${i}`);

  /** Each run of a state has new stones, so it uploads files and imports stones. */
  function startTrainer(i: number, run: number): RunningScript {
    const rows = CSV_ROWS.slice(run * 100, run * 100 + 400);
    const path = writeStonesCsv(folder.path, `${i}-${run}.csv`, rows);
    const options = ["--data", path, "--state", getState(i), "--promote", "force"];
    return startScript([...options, ...args], TRAIN_MEDIAN);
  }

  /**
   * Time from the first output to the end of a run, milliseconds, while all states are trained. The kills are
   * spread over it.
   */
  let durationMs: number;

  beforeAll(async () => {
    const durations = await forEachState(async (i) => {
      expect(await startTrainer(i, 0).finished).toMatchObject({ code: 0 });
      const second = startTrainer(i, 1);
      await second.waitForOutput(firstOutput);
      const start = performance.now();
      expect(await second.finished).toMatchObject({ code: 0 });
      return performance.now() - start;
    });
    durationMs = Math.max(...durations);
  });

  test(`at ${KILLS} moments: the registry has no fault, and the next run succeeds`, async () => {
    let killedRuns = 0;
    await forEachState(async (i) => {
      for (let kill = i; kill < KILLS; kill += STATES) {
        const trainer = startTrainer(i, 2 + kill);
        await trainer.waitForOutput(firstOutput);
        await sleep((durationMs * (kill + 0.5)) / KILLS);
        // In half of the runs wrangler is killed with the trainer. In the other half it goes on to its end.
        const killsWrangler = Math.floor(kill / STATES) % 2 === 0;
        const { pid, exitCode } = trainer.child;
        if (pid !== undefined && exitCode === null) process.kill(killsWrangler ? -pid : pid, "SIGKILL");
        if ((await trainer.finished).code === null) killedRuns++;
        expect(await findRegistryFaults(getState(i)), `after kill ${kill}`).toEqual([]);
        const next = await startTrainer(i, 2 + kill).finished;
        expect(next.code, `the run after kill ${kill}: ${next.output}`).toBe(0);
        expect(await findRegistryFaults(getState(i)), `after the run that follows kill ${kill}`).toEqual([]);
      }
    });
    // The duration of runs differs, so some runs end before the last moments.
    expect(killedRuns).toBeGreaterThanOrEqual(KILLS / 2);
  });
});

function forEachState<Result>(run: (i: number) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: STATES }, (_, i) => run(i)));
}
