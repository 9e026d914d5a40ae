/** The frame of a benchmark of the Worker: its options, its scratch folder, its results and its exit code. */
import { cpSync, existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { MINUTE_MS } from "../../src/lib/time.ts";
import { prepareState } from "../server/local-server.ts";
import { getTotal, type Rounds } from "./load.ts";
import { describeMachine, printTable, type Series, type Table, writeResult } from "./results.ts";
import { createScratchFolder } from "./scratch-folder.ts";

const MAX_MINUTES = 30;
const COMMON_OPTIONS = {
  /** File that the results are added to. */
  json: { type: "string" },
  /** Folder of a trained state. It is trained if it does not exist, and only copied if it does. */
  state: { type: "string" },
  /** Rounds, of which the tables have the medians. */
  rounds: { type: "string" },
  /** Seconds of one measurement. */
  seconds: { type: "string" },
} as const;

export class Benchmark {
  /** A folder that is deleted at the end. */
  readonly scratch = createScratchFolder();
  private readonly name: string;
  private readonly values: Readonly<Record<string, string | boolean | undefined>>;
  private readonly tables: Table[] = [];
  private readonly series: Series[] = [];
  private readonly failures: string[] = [];
  private copies = 0;

  /** Reads the command line: the common options, and those of this benchmark, whose names are given. */
  constructor(
    name: string,
    {
      options = [],
      flags = [],
    }: { readonly options?: readonly string[]; readonly flags?: readonly string[] } = {},
  ) {
    this.name = name;
    const { values } = parseArgs({
      options: {
        ...COMMON_OPTIONS,
        ...Object.fromEntries(options.map((option) => [option, { type: "string" as const }])),
        ...Object.fromEntries(flags.map((flag) => [flag, { type: "boolean" as const }])),
      },
    });
    this.values = values;
  }

  /** The number of an option. */
  getNumber(option: string, fallback: number): number {
    const number = Number(this.values[option] ?? fallback);
    if (!(number > 0)) throw new Error(`--${option} must be a number above 0`);
    return number;
  }

  /** The numbers of an option, which are separated by commas. */
  getNumbers(option: string, fallback: readonly number[]): readonly number[] {
    const text = this.values[option];
    return text === undefined ? fallback : String(text).split(",").map(Number);
  }

  getText(option: string): string | undefined {
    const text = this.values[option];
    return typeof text === "string" ? text : undefined;
  }

  hasFlag(flag: string): boolean {
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
  async run(measure: (benchmark: Benchmark) => Promise<void>): Promise<never> {
    const startedAt = performance.now();
    setTimeout(() => {
      console.error(`${this.name}: not finished after ${MAX_MINUTES} minutes`);
      process.exit(1);
    }, MAX_MINUTES * MINUTE_MS);
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
