import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { expect, test } from "vitest";
import { REPOSITORY_ROOT } from "../../cloudflare/wrangler.ts";
import { isRunning } from "../support/local-server.ts";

const MODULE = JSON.stringify(join(REPOSITORY_ROOT, "cloudflare/process-group.ts"));
/** The first process of the group. It starts another one and prints both ids. */
const MEMBER = `
  const { pid } = require("node:child_process").spawn("sleep", ["600"], { stdio: "ignore" });
  console.log(process.pid, pid);`;
const OPTIONS = `{ cwd: ".", stdout: "inherit", stderr: "inherit" }`;

/** Starts a process that starts a group, and returns it with the ids of the group's processes. */
async function startParent(member: string, then = "") {
  const script = `
    import { startProcessGroup } from ${MODULE};
    const group = startProcessGroup(["--eval", ${JSON.stringify(member)}], ${OPTIONS});
    ${then}`;
  const parent = spawn(process.execPath, ["--input-type=module", "--eval", script], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [ids] = (await once(parent.stdout, "data")) as [Buffer];
  return { parent, members: String(ids).trim().split(" ").map(Number) };
}

const waitForEnd = (pids: readonly number[]) =>
  expect.poll(() => pids.filter(isRunning), { timeout: 30_000 }).toEqual([]);

test("a group ends when its parent is killed", async () => {
  const { parent, members } = await startParent(`${MEMBER} setInterval(() => {}, 1000)`);
  expect(members.filter(isRunning)).toHaveLength(2);
  parent.kill("SIGKILL");
  await waitForEnd(members);
});

test("a group ends when its first process ends, and its parent gets the exit code", async () => {
  const { parent, members } = await startParent(
    `${MEMBER} process.exit(3)`,
    "process.exitCode = await group.exited;",
  );
  expect(await once(parent, "exit")).toEqual([3, null]);
  expect(members.filter(isRunning)).toEqual([]);
});
