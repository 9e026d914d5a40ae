import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const SCRIPT = fileURLToPath(new URL("xgboost_fit.py", import.meta.url));
export const PYTHON = "/usr/bin/python3";

/** Whether Debian's python3-xgboost is installed. */
export function hasXGBoost(): boolean {
  return spawnSync(PYTHON, ["-c", "import xgboost"]).status === 0;
}

/** A Python process that holds a table and fits XGBoost to it on request. */
export class XGBoost {
  private readonly child: ChildProcess;
  private readonly lines: AsyncIterator<string>;

  private constructor(rows: number, file: string) {
    this.child = spawn(PYTHON, [SCRIPT, String(rows), file], { stdio: ["pipe", "pipe", "inherit"] });
    this.lines = createInterface({ input: this.child.stdout! })[Symbol.asyncIterator]();
  }

  /** @param file float32, one feature column after another, then the target */
  static async start(rows: number, file: string): Promise<XGBoost> {
    const process = new XGBoost(rows, file);
    // The first line is the version of XGBoost: the process is ready.
    await process.readLine();
    return process;
  }

  async fit(threads: number): Promise<{ seconds: number; peakMegabytes: number }> {
    this.child.stdin!.write(`fit ${threads}\n`);
    const [seconds = Number.NaN, peakMegabytes = Number.NaN] = (await this.readLine()).split(" ").map(Number);
    return { seconds, peakMegabytes };
  }

  /** Writes the newest model's predictions of another table, without a target, to `outputFile`. */
  async predict(rows: number, file: string, outputFile: string): Promise<void> {
    this.child.stdin!.write(`predict ${rows} ${file} ${outputFile}\n`);
    await this.readLine();
  }

  stop(): void {
    this.child.stdin!.end();
  }

  private async readLine(): Promise<string> {
    const { value, done } = await this.lines.next();
    if (done) throw new Error("the Python process ended");
    return value;
  }
}
