import { spawn } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { text } from "node:stream/consumers";

const SAMPLE_INTERVAL_MS = 200;

/** What a process and its descendants took. Memory is known on Linux only, else NaN. */
export interface ProcessUsage {
  readonly seconds: number;
  /** Peak memory of the process itself, MiB. */
  readonly ownPeakMegabytes: number;
  /** Peak of the sum over the process and its descendants, MiB. Shared libraries count once a process. */
  readonly allPeakMegabytes: number;
  readonly output: string;
}

/** Runs a process to its end. @throws Error with its output if its exit code is not 0 */
export async function runProcess(command: string, args: readonly string[]): Promise<ProcessUsage> {
  const startedAt = performance.now();
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
  });
  const stop = () => child.kill("SIGTERM");
  process.on("exit", stop);
  let ownPeakMegabytes = Number.NaN;
  let allPeakMegabytes = Number.NaN;
  const sample = () => {
    const [own = Number.NaN, ...others] = listProcesses(child.pid!).map(readMemory);
    if (!(own <= ownPeakMegabytes)) ownPeakMegabytes = own;
    const all = others.reduce((sum, memory) => sum + memory, own);
    if (!(all <= allPeakMegabytes)) allPeakMegabytes = all;
  };
  const timer = setInterval(sample, SAMPLE_INTERVAL_MS);
  const exited = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("exit", resolve);
  });
  try {
    const [code, output, errors] = await Promise.all([exited, text(child.stdout), text(child.stderr)]);
    if (code !== 0) throw new Error(`${command} ${args.join(" ")} ended with ${code}:\n${output}${errors}`);
    const seconds = (performance.now() - startedAt) / 1000;
    return { seconds, ownPeakMegabytes, allPeakMegabytes, output };
  } finally {
    clearInterval(timer);
    process.off("exit", stop);
  }
}

/** Lists a process and its descendants. Each thread of a process has a list of the children that it started. */
function listProcesses(pid: number): number[] {
  const lists = globSync(`/proc/${pid}/task/*/children`).map(readProcFile);
  const children = lists.flatMap((list) => list.split(" ").filter((child) => child.trim() !== ""));
  return [pid, ...children.flatMap((child) => listProcesses(Number(child)))];
}

/** The resident memory of a process in MiB; 0 if it has ended. */
function readMemory(pid: number): number {
  const kilobytes = /^VmRSS:\s+(\d+) kB$/m.exec(readProcFile(`/proc/${pid}/status`))?.[1];
  return Number(kilobytes ?? 0) / 1024;
}

function readProcFile(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
