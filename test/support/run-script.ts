import { type ChildProcess, spawn } from "node:child_process";
import { join } from "node:path";
import { REPOSITORY_ROOT } from "../../cloudflare/wrangler.ts";

/** The trainer with one model that is fitted quickly, for tests that publish. */
export const TRAIN_MEDIAN = "test/support/train-median.ts";

/** A process that has ended. */
export interface ProcessResult {
  /** Exit code; null if a signal ended the process. */
  readonly code: number | null;
  /** Standard output and standard error, in the order of their arrival. */
  readonly output: string;
}

/** A process that a test has started. */
export interface RunningScript {
  readonly child: ChildProcess;
  readonly finished: Promise<ProcessResult>;
  /** The output until now. */
  readonly output: () => string;
  /** Resolves when the output contains the text. Rejects if the process ends first. */
  readonly waitForOutput: (text: string) => Promise<void>;
}

/**
 * Starts a script of this repository in its own process group. Default: the trainer.
 * @param environment variables in addition to those of this process
 */
export function startScript(
  args: readonly string[],
  script = "training/train.ts",
  environment: NodeJS.ProcessEnv = {},
): RunningScript {
  const child = spawn(process.execPath, [join(REPOSITORY_ROOT, script), ...args], {
    cwd: REPOSITORY_ROOT,
    detached: true,
    env: { ...process.env, ...environment },
  });
  let output = "";
  const listeners = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk) => {
      output += chunk;
      for (const listener of listeners) listener();
    });
  }
  const finished = new Promise<ProcessResult>((resolve) =>
    child.on("close", (code) => resolve({ code, output })),
  );
  const waitForOutput = (text: string) =>
    new Promise<void>((resolve, reject) => {
      const checkOutput = () => {
        if (output.includes(text)) resolve();
      };
      listeners.add(checkOutput);
      checkOutput();
      void finished.then(() =>
        reject(new Error(`the process ended without the output "${text}":\n${output}`)),
      );
    });
  return { child, finished, output: () => output, waitForOutput };
}

/** Runs the trainer to its end. */
export function train(...args: string[]): Promise<ProcessResult> {
  return startScript(args).finished;
}
