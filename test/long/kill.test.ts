import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EMBEDDED, registryFaults, scratchFolder, startTrainer } from "../system/trainer.ts";

const MOMENTS = 20;
const [HEADER = "", ...ROWS] = readFileSync(EMBEDDED, "utf8").trim().split("\n");
/** Registries that are trained into side by side. */
const LANES = 2;
const folder = scratchFolder();
afterAll(() => folder.remove());

describe.each([
  { what: "publishing", from: "publish:", args: [] },
  { what: "adding a feed, from its reading on", from: "read:", args: ["--append", "--accept-feed"] },
])("$what", ({ what, from, args }) => {
  const stateOf = (lane: number) => join(folder.path, `${what.replaceAll(" ", "-")}-${lane}`);

  /** Each run of a lane brings stones of its own, so that there are files to upload and stones to import. */
  function trainer(lane: number, round: number) {
    const path = join(folder.path, `${lane}-${round}.csv`);
    writeFileSync(path, `${[HEADER, ...ROWS.slice(round * 100, round * 100 + 400)].join("\n")}\n`);
    const options = ["--data", path, "--state", stateOf(lane), "--promote", "force"];
    return startTrainer([...options, ...args], "test/system/train-median.ts");
  }

  /** How long it takes on this machine with all lanes at work, to spread the moments over it. */
  let span: number;

  beforeAll(async () => {
    const spans = await inLanes(async (lane) => {
      expect(await trainer(lane, 0).finished).toMatchObject({ code: 0 });
      const second = trainer(lane, 1);
      await second.said(from);
      const start = performance.now();
      expect(await second.finished).toMatchObject({ code: 0 });
      return performance.now() - start;
    });
    span = Math.max(...spans);
  });

  test(`killed at ${MOMENTS} moments: the champion serves, the next run completes`, async () => {
    let killedOff = 0;
    await inLanes(async (lane) => {
      for (let moment = lane; moment < MOMENTS; moment += LANES) {
        const killed = trainer(lane, 2 + moment);
        await killed.said(from);
        await new Promise((wait) => setTimeout(wait, (span * (moment + 0.5)) / MOMENTS));
        // Half of the times wrangler dies with the trainer, half of the times it is left to end by itself.
        const { pid } = killed.child;
        const group = Math.floor(moment / LANES) % 2 === 0;
        if (pid !== undefined && killed.child.exitCode === null) process.kill(group ? -pid : pid, "SIGKILL");
        if ((await killed.finished).code === null) killedOff++;
        expect(await registryFaults(stateOf(lane)), `after the kill at moment ${moment}`).toEqual([]);
        const next = await trainer(lane, 2 + moment).finished;
        expect(next.code, `the run after moment ${moment}: ${next.output}`).toBe(0);
        expect(await registryFaults(stateOf(lane)), `after the run that followed moment ${moment}`).toEqual(
          [],
        );
      }
    });
    // Runs differ in length: some of the last moments come after the end.
    expect(killedOff).toBeGreaterThanOrEqual(MOMENTS / 2);
  });
});

function inLanes<Result>(work: (lane: number) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: LANES }, (_, lane) => work(lane)));
}
