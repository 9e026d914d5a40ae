import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, describe, expect, test, vi } from "vitest";
import { findFreePort } from "../../../cloudflare/dev-server.ts";
import { REPOSITORY_ROOT } from "../../../cloudflare/wrangler.ts";
import { isRunning, listChildProcesses } from "../../support/local-server.ts";
import { startScript, TRAIN_MEDIAN } from "../../support/run-script.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";
import { CSV_ROWS, writeStonesCsv } from "../../support/stones-csv.ts";

const TIMEOUT = { timeout: 180_000, interval: 200 };

const folder = createScratchFolder();
const state = join(folder.path, "state");
const npms: ChildProcess[] = [];

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
async function startNpm(command: string, text: string): Promise<RunningStart> {
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
  test("ends with the training when npm gets SIGTERM", async () => {
    const start = await startNpm("training/train.ts", "training one");
    start.npm.kill("SIGTERM");
    await expectNoneLeft(start);
  });

  test("ends with its server when npm is killed", async () => {
    const data = writeStonesCsv(folder.path, "stones.csv", CSV_ROWS.slice(0, 3_000));
    const training = await startScript(["--state", state, "--data", data], TRAIN_MEDIAN).finished;
    expect(training.code, training.output).toBe(0);
    const start = await startNpm("workerd serve", "curl -s");
    start.npm.kill("SIGKILL");
    await expectNoneLeft(start);
  });
});
