/** Ends a script when the npm that runs it has ended. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";

const CHECK_INTERVAL_MS = 500;

/**
 * Sends SIGTERM to this process when npm has ended, even by SIGKILL. npm runs a script in a shell: a signal to
 * npm ends that shell only, and the system has no event for the end of a parent. Does nothing in a script that
 * npm does not run: it may outlive the shell that started it.
 */
export function stopWithNpm(environment: NodeJS.ProcessEnv = process.env): void {
  const script = environment.npm_lifecycle_script;
  if (script === undefined) return;
  const parent = process.ppid;
  const npm = findNpm(parent, script);
  const timer = setInterval(() => {
    if (process.ppid === parent && isRunning(npm)) return;
    clearInterval(timer);
    process.kill(process.pid, "SIGTERM");
  }, CHECK_INTERVAL_MS);
  timer.unref();
}

/** The process of npm. Some shells replace themselves with the script: then it is the parent. */
function findNpm(parent: number, script: string): number {
  try {
    const { parentPid, command } = readProcess(parent);
    return command.includes(script) ? parentPid : parent;
  } catch {
    return parent;
  }
}

function readProcess(pid: number): { parentPid: number; command: string } {
  // Small Linux images have no command ps.
  if (process.platform === "linux") {
    const command = readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
    const parentPid = /^PPid:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1];
    return { parentPid: Number(parentPid), command };
  }
  const output = execFileSync("ps", ["-o", "ppid=,args=", "-p", String(pid)], { encoding: "utf8" });
  const [, parentPid, command = ""] = /^\s*(\d+)\s+(.*)/.exec(output) ?? [];
  return { parentPid: Number(parentPid), command };
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code !== "ESRCH";
  }
}
