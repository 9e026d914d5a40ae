/** Processes that end with this one, together with everything that they have started. */
import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";

/** A killed process is gone after milliseconds. Where nobody reaps it, it would seem to run for ever. */
const GROUP_END_TIMEOUT_MS = 2_000;
const GROUP_END_POLL_INTERVAL_MS = 10;
const END_WITH_PARENT = pathToFileURL(join(import.meta.dirname, "end-with-parent.ts")).href;

export interface ProcessGroupOptions {
  readonly cwd: string;
  /** Default: "ignore". */
  readonly stdin?: "inherit" | "ignore";
  readonly stdout: "inherit" | "ignore";
  readonly stderr: "inherit" | "ignore";
  /** Default: the environment of this process. */
  readonly environment?: NodeJS.ProcessEnv;
}

export interface ProcessGroup {
  /**
   * Resolves when the group has ended: with the exit code of its first process, or null after a signal. Another
   * process can then open the databases that the group had open.
   */
  readonly exited: Promise<number | null>;
  /** Sends a signal to all processes of the group. */
  signal(signal: NodeJS.Signals): void;
}

const runningGroups = new Set<ChildProcess>();
process.on("exit", () => {
  for (const child of runningGroups) signalGroup(child, "SIGKILL");
});

/**
 * Starts a script with Node in its own process group. The group ends with SIGKILL when its first process exits,
 * and when this process ends, even by SIGKILL. A signal from the terminal does not reach it: use
 * {@link ProcessGroup.signal}.
 * @param args the script and its arguments
 */
export function startProcessGroup(args: readonly string[], options: ProcessGroupOptions): ProcessGroup {
  const child = spawn(process.execPath, ["--import", END_WITH_PARENT, ...args], {
    cwd: options.cwd,
    detached: true,
    stdio: [options.stdin ?? "ignore", options.stdout, options.stderr, "ipc"],
    env: options.environment ?? process.env,
  });
  runningGroups.add(child);
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  }).finally(async () => {
    runningGroups.delete(child);
    const deadline = performance.now() + GROUP_END_TIMEOUT_MS;
    while (signalGroup(child, "SIGKILL") && performance.now() < deadline)
      await sleep(GROUP_END_POLL_INTERVAL_MS);
  });
  return {
    exited,
    signal(signal) {
      signalGroup(child, signal);
    },
  };
}

/** @returns whether the group had a process */
function signalGroup(child: ChildProcess, signal: NodeJS.Signals): boolean {
  if (child.pid === undefined) return false;
  try {
    return process.kill(-child.pid, signal);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "ESRCH") throw error;
    return false;
  }
}
