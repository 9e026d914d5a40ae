import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { EMBEDDED, registryFaults, scratchFolder, startTrainer } from "../system/trainer.ts";

const MOMENTS = 20;
const [HEADER = "", ...ROWS] = readFileSync(EMBEDDED, "utf8").trim().split("\n");
/** Registries that are trained into side by side. */
const LANES = 2;
const folder = scratchFolder();

/** Each run of a lane sees other stones, so that it has files to upload and stones to import. */
function trainer(lane: number, round: number) {
  const path = join(folder.path, `${lane}-${round}.csv`);
  writeFileSync(path, `${[HEADER, ...ROWS.slice(round * 100, round * 100 + 400)].join("\n")}\n`);
  return startTrainer(
    ["--data", path, "--state", stateOf(lane), "--promote", "force"],
    "test/system/train-median.ts",
  );
}

const stateOf = (lane: number) => join(folder.path, `state-${lane}`);

/** How long publishing takes on this machine with all lanes at work, to spread the moments over it. */
let publishing: number;

beforeAll(async () => {
  const spans = await inLanes(async (lane) => {
    expect(await trainer(lane, 0).finished).toMatchObject({ code: 0 });
    const second = trainer(lane, 1);
    await second.said("publish:");
    const start = performance.now();
    expect(await second.finished).toMatchObject({ code: 0 });
    return performance.now() - start;
  });
  publishing = Math.max(...spans);
});

afterAll(() => folder.remove());

test(`killed at ${MOMENTS} moments of publishing: the champion serves, the next run completes`, async () => {
  await inLanes(async (lane) => {
    for (let moment = lane; moment < MOMENTS; moment += LANES) {
      const killed = trainer(lane, 2 + moment);
      await killed.said("publish:");
      await new Promise((wait) => setTimeout(wait, (publishing * (moment + 0.5)) / MOMENTS));
      // Half of the times wrangler dies with the trainer, half of the times it is left to end by itself.
      const { pid } = killed.child;
      const group = Math.floor(moment / LANES) % 2 === 0;
      if (pid !== undefined && killed.child.exitCode === null) process.kill(group ? -pid : pid, "SIGKILL");
      await killed.finished;
      expect(await registryFaults(stateOf(lane)), `after the kill at moment ${moment}`).toEqual([]);
      const next = await trainer(lane, 2 + moment).finished;
      expect(next.code, `the run after moment ${moment}: ${next.output}`).toBe(0);
      expect(await registryFaults(stateOf(lane)), `after the run that followed moment ${moment}`).toEqual([]);
    }
  });
});

function inLanes<Result>(work: (lane: number) => Promise<Result>): Promise<Result[]> {
  return Promise.all(Array.from({ length: LANES }, (_, lane) => work(lane)));
}
