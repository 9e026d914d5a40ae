/** The results of benchmarks: tables and lines, which are printed, kept as JSON and written into the docs. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { arch, cpus, totalmem } from "node:os";
import CliTable from "cli-table3";

export interface Table {
  readonly title: string;
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/** How long something takes by its size. */
export interface Series {
  readonly name: string;
  /** What the size counts, such as "stones". */
  readonly unit: string;
  readonly points: readonly { readonly size: number; readonly ms: number }[];
}

export interface Result {
  readonly at: string;
  readonly machine: string;
  /** The options that were given. */
  readonly options: string;
  readonly tables: readonly Table[];
  readonly series: readonly Series[];
  /** What must hold and did not. */
  readonly failures: readonly string[];
}

/** By the name of the benchmark. */
export type Results = Readonly<Record<string, Result>>;

export function describeMachine(): string {
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  const { version } = createRequire(import.meta.url)("workerd/package.json") as { version: string };
  const processor = `${cpus().length} × ${cpus()[0]?.model.trim() ?? arch()}`;
  return `${processor}, ${gigabytes} GB, Node ${process.version}, workerd ${version}`;
}

export function printTable({ title, head, rows }: Table): void {
  const table = new CliTable({
    head: [...head],
    colAligns: head.map((_, column) => (column === 0 ? "left" : "right")),
    style: { head: [], border: [] },
    chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
  });
  for (const row of rows) table.push([...row]);
  console.log(`${title}\n${table.toString()}`);
}

export function readResults(file: string): Results {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Results) : {};
}

/** Adds a result to a file. The results of other benchmarks in the file stay. */
export function writeResult(file: string, name: string, result: Result): void {
  writeFileSync(file, `${JSON.stringify({ ...readResults(file), [name]: result }, null, 2)}\n`);
}

/** A number with about three digits: 1,234 or 12.3 or 0.0123. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "-";
  return value.toLocaleString(
    "en",
    Math.abs(value) >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 },
  );
}
