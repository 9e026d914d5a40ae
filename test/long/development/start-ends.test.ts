import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { findFreePort } from "../../../cloudflare/dev-server.ts";
import { REPOSITORY_ROOT } from "../../../cloudflare/wrangler.ts";
import { isRunning, listChildProcesses } from "../../support/local-server.ts";
import { startScript, TRAIN_MEDIAN } from "../../support/run-script.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";
import { CSV_ROWS, writeStonesCsv } from "../../support/stones-csv.ts";

const TIMEOUT = { timeout: 180_000, interval: 200 };

const folder = createScratchFolder();
const trainedState = join(folder.path, "trained");
const npms: ChildProcess[] = [];

beforeAll(async () => {
  const data = writeStonesCsv(folder.path, "stones.csv", CSV_ROWS.slice(0, 3_000));
  const training = await startScript(["--state", trainedState, "--data", data], TRAIN_MEDIAN).finished;
  expect(training.code, training.output).toBe(0);
});

afterAll(() => {
  // Only after a failed test: npm and its shell are one group, and the others end with them.
  for (const { pid, exitCode, signalCode } of npms)
    if (pid !== undefined && exitCode === null && signalCode === null) process.kill(-pid, "SIGKILL");
  folder.remove();
});

interface RunningStart {
  readonly npm: ChildProcess;
  /** All processes of `npm start`: its shell, the script, and what that has started. */
  readonly children: ReturnType<typeof listChildProcesses>;
}

/** Runs `npm start` until one of its processes has the given text in its command, and its output another. */
async function startNpm(state: string, command: string, text: string): Promise<RunningStart> {
  const npm = spawn("npm", ["start"], {
    cwd: REPOSITORY_ROOT,
    env: { ...process.env, FACET_STATE: state, PORT: String(await findFreePort()) },
    detached: true,
    stdio: ["ignore", "pipe", "pipe"],
  });
  npms.push(npm);
  let output = "";
  for (const stream of [npm.stdout, npm.stderr])
    stream.on("data", (chunk) => {
      output += chunk;
    });
  const list = () => listChildProcesses(npm.pid ?? 0);
  const hasCommand = () => list().some((child) => child.command.includes(command));
  await vi.waitUntil(() => output.includes(text) && hasCommand(), TIMEOUT);
  return { npm, children: list() };
}

async function expectNoneLeft({ npm, children }: RunningStart): Promise<void> {
  await expect.poll(() => children.filter(({ pid }) => isRunning(pid)), TIMEOUT).toEqual([]);
  if (npm.exitCode === null && npm.signalCode === null) await once(npm, "exit");
}

describe("npm start", () => {
  test.each(["SIGKILL", "SIGTERM"] as const)("ends with its server when npm gets %s", async (signal) => {
    const start = await startNpm(trainedState, "workerd serve", "curl -s");
    expect(start.children.filter(({ command }) => command.includes("workerd serve"))).not.toEqual([]);
    start.npm.kill(signal);
    await expectNoneLeft(start);
  });

  test("ends with the training when its script is killed", async () => {
    const start = await startNpm(join(folder.path, "empty"), "training/train.ts", "training one");
    // Before it can be npm's shell, with the same text in its command.
    const script = start.children.findLast(({ command }) => command.endsWith("node scripts/start.ts"));
    process.kill(script?.pid ?? Number.NaN, "SIGKILL");
    await expectNoneLeft(start);
  });
});
