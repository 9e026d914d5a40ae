/** The frame of a benchmark of the Worker: its options, its scratch folder, its results and its exit code. */
import { cpSync, existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { MINUTE_MS } from "../../src/lib/time.ts";
import { prepareState } from "../server/local-server.ts";
import { getTotal, type Rounds } from "./load.ts";
import { describeMachine, printTable, type Series, type Table, writeResult } from "./results.ts";
import { createScratchFolder } from "./scratch-folder.ts";

const DEFAULT_MAX_MINUTES = 30;
/** The options of all benchmarks. Each one ignores those of the others, so that several can run together. */
const OPTIONS = {
  /** File that the results are added to. */
  json: { type: "string" },
  /** Folder of a trained state. It is trained if it does not exist, and only copied if it does. */
  state: { type: "string" },
  /** Rounds, of which the tables have the medians. */
  rounds: { type: "string" },
  /** Seconds of one measurement. */
  seconds: { type: "string" },
  /** serve: without miniflare's own Worker in front of the measured ones. */
  direct: { type: "boolean" },
  /** serve: compare with FastAPI. */
  peer: { type: "boolean" },
  /** serve and cluster: folder of the Python environment, which is kept. */
  venv: { type: "string" },
  /** cold: number of processes. */
  samples: { type: "string" },
  /** registry: number of new isolates while the registry is silent. */
  isolates: { type: "string" },
  /** similar and growth: numbers of stones in the table. */
  stones: { type: "string" },
  /** growth: numbers of versions, of rows in the log, and of training rows. */
  versions: { type: "string" },
  "log-rows": { type: "string" },
  "training-rows": { type: "string" },
  /** boosting and cluster: numbers of rows, and runs of each. */
  rows: { type: "string" },
  runs: { type: "string" },
  /** cluster: number of trees. */
  trees: { type: "string" },
  /** boosting, for its own use: one fit in a fresh process, `ROWS:FILE:THREADS`. */
  once: { type: "string" },
} as const;
type Option = keyof typeof OPTIONS;

export class Benchmark {
  /** A folder that is deleted at the end. */
  readonly scratch = createScratchFolder();
  private readonly name: string;
  private readonly values: Readonly<Partial<Record<Option, string | boolean>>>;
  private readonly tables: Table[] = [];
  private readonly series: Series[] = [];
  private readonly failures: string[] = [];
  private copies = 0;

  /** Reads the command line. */
  constructor(name: string) {
    this.name = name;
    this.values = parseArgs({ options: OPTIONS }).values;
  }

  /** The number of an option. */
  getNumber(option: Option, fallback: number): number {
    const number = Number(this.values[option] ?? fallback);
    if (!(number > 0)) throw new Error(`--${option} must be a number above 0`);
    return number;
  }

  /** The numbers of an option, which are separated by commas. */
  getNumbers(option: Option, fallback: readonly number[]): readonly number[] {
    const text = this.values[option];
    return text === undefined ? fallback : String(text).split(",").map(Number);
  }

  getText(option: Option): string | undefined {
    const text = this.values[option];
    return typeof text === "string" ? text : undefined;
  }

  hasFlag(flag: Option): boolean {
    return this.values[flag] === true;
  }

  get rounds(): number {
    return this.getNumber("rounds", 3);
  }

  /** Returns a copy of a state with trained models, of which gradient-boosting is the champion. */
  async copyTrainedState(): Promise<string> {
    const trained = resolve(this.getText("state") ?? join(this.scratch, "trained"));
    if (!existsSync(trained)) {
      console.log("training the models");
      await prepareState(trained, { champion: true });
    }
    return this.copyState(trained);
  }

  /** Copies a state on which no server runs. */
  copyState(state: string): string {
    const copy = join(this.scratch, `state-${++this.copies}`);
    cpSync(state, copy, { recursive: true });
    return copy;
  }

  addTable(table: Table): void {
    printTable(table);
    this.tables.push(table);
  }

  addSeries(series: Series): void {
    this.series.push(series);
  }

  /** Requires that no request of a variant failed. */
  requireSuccesses(rounds: Rounds, variants: readonly { readonly name: string }[]): void {
    for (const { name } of variants) {
      const failed = getTotal(rounds, name, "failed");
      this.require(failed === 0, `${name}: ${failed} requests failed`);
    }
  }

  /** Reports something that must hold. If it does not, the benchmark fails at its end. */
  require(holds: boolean, failure: string): void {
    if (holds) return;
    console.error(`FAILED: ${failure}`);
    this.failures.push(failure);
  }

  /** The given options, without those that name files and folders of this machine. */
  private describeOptions(): string {
    return Object.entries(this.values)
      .filter(([option]) => !["json", "state", "venv"].includes(option))
      .map(([option, value]) => (value === true ? `--${option}` : `--${option} ${value}`))
      .join(" ");
  }

  /** Runs the benchmark and ends this process. */
  async run(
    measure: (benchmark: Benchmark) => Promise<void>,
    { maxMinutes = DEFAULT_MAX_MINUTES } = {},
  ): Promise<never> {
    const startedAt = performance.now();
    setTimeout(() => {
      console.error(`${this.name}: not finished after ${maxMinutes} minutes`);
      process.exit(1);
    }, maxMinutes * MINUTE_MS);
    try {
      await measure(this);
    } catch (error) {
      console.error(error);
      this.failures.push(error instanceof Error ? error.message : String(error));
    }
    const { tables, series, failures } = this;
    const file = this.getText("json");
    const options = this.describeOptions();
    if (file !== undefined)
      writeResult(file, this.name, {
        at: new Date().toISOString(),
        machine: describeMachine(),
        options,
        tables,
        series,
        failures,
      });
    console.log(
      `${this.name}: ${((performance.now() - startedAt) / 1000).toFixed(0)} s, ${failures.length} failures`,
    );
    // The handlers of "exit" stop the servers that a failure left running, and delete the scratch folder.
    process.exit(failures.length > 0 ? 1 : 0);
  }
}
