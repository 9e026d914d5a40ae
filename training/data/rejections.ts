import { escapeText } from "../files/quote-text.ts";
import type { RejectionReason } from "./clean-row.ts";

/** Number of rejected rows that are described one by one. */
export const MAX_REJECTION_EXAMPLES = 5;
/** Number of rows, or of values of a grade, that a summary names. */
const MAX_SAMPLES = 3;
/** Different unknown values of a grade that are counted. A file of garbage can have any number of them. */
const MAX_COUNTED_VALUES = 1000;

/** Number of rejected rows by reason. */
export type RejectionCounts = Readonly<Partial<Record<RejectionReason, number>>>;

/** A rejected row. */
export interface Rejection {
  readonly reason: RejectionReason;
  readonly line: number;
  /** The column at fault; null if there is none. */
  readonly column: string | null;
  /** What is wrong, as the file has it: `"4 mm?"`, `11 instead of 10`; null if the reason says it. */
  readonly found: string | null;
  /** What would be right; null if the reason says it. */
  readonly hint: string | null;
}

/** Rows with one reason, one column and one hint. */
interface RejectionGroup {
  readonly first: Rejection;
  rows: number;
  readonly samples: Rejection[];
  /** The rows of each unknown value of a grade. */
  readonly values: Map<string, { readonly line: number; rows: number }>;
}

/** The rejected rows of a source: their number by reason, and what a reader needs to find and mend them. */
export class RejectionLog {
  readonly #sourceName: string;
  readonly #groups = new Map<string, RejectionGroup>();
  readonly #counts: Partial<Record<RejectionReason, number>> = {};
  readonly #examples: { readonly line: number; readonly text: string }[] = [];

  constructor(sourceName: string) {
    this.#sourceName = escapeText(sourceName, 200);
  }

  get counts(): RejectionCounts {
    return this.#counts;
  }

  /** The first rows, one by one. They may be added in another order. */
  get examples(): readonly string[] {
    const sorted = this.#examples.toSorted((a, b) => a.line - b.line);
    return sorted.slice(0, MAX_REJECTION_EXAMPLES).map(({ text }) => text);
  }

  add(rejection: Rejection): void {
    const { reason, line, column, found, hint } = rejection;
    const count = (this.#counts[reason] ?? 0) + 1;
    this.#counts[reason] = count;
    // The rows of one reason come in the order of their lines.
    if (count <= MAX_REJECTION_EXAMPLES) {
      const detail = [column, found].filter((text) => text !== null).join(" ");
      const place = `${this.#sourceName}, line ${line}`;
      this.#examples.push({ line, text: `${place}: ${reason}${detail && ` (${detail})`}` });
    }
    const key = `${reason} ${column} ${hint}`;
    let group = this.#groups.get(key);
    if (group === undefined) {
      group = { first: rejection, rows: 0, samples: [], values: new Map() };
      this.#groups.set(key, group);
    }
    group.rows += 1;
    if (group.samples.length < MAX_SAMPLES) group.samples.push(rejection);
    if (reason.startsWith("unknown ") && found !== null) countValue(group.values, found, line);
  }

  /** A sentence for each reason and column: how many rows, and the first of them. */
  describe(): string[] {
    return [...this.#groups.values()].flatMap(describeGroup);
  }

  /** The same for the summary of a run, without rows that need no explanation. */
  get notes(): readonly string[] {
    return [...this.#groups.values()]
      .filter(({ first }) => first.reason !== "zero dimension")
      .flatMap(describeGroup)
      .map((text) => `${this.#sourceName}: ${text}`);
  }
}

function countValue(values: RejectionGroup["values"], value: string, line: number): void {
  const counted = values.get(value);
  if (counted !== undefined) counted.rows += 1;
  else if (values.size < MAX_COUNTED_VALUES) values.set(value, { line, rows: 1 });
}

function describeGroup({ first, rows, samples, values }: RejectionGroup): string[] {
  const { reason, column, hint } = first;
  if (values.size > 0) return describeValues(reason, rows, values);
  const suffix = hint === null ? "" : `: ${hint}`;
  const shown = samples.map(({ column: name, found, line }) => {
    const detail = [name, found].filter((text) => text !== null).join(" ");
    return `${detail} (line ${line})`;
  });
  if (reason === "missing value") {
    return [`${reason} in ${column}: ${formatRows(rows)}, first at line ${first.line}`];
  }
  return [
    `${reason}: ${formatRows(rows)}, ${rows > shown.length ? "such as " : ""}${shown.join(", ")}${suffix}`,
  ];
}

function describeValues(reason: string, rows: number, values: RejectionGroup["values"]): string[] {
  const sorted = [...values].sort(([, a], [, b]) => b.rows - a.rows);
  const shown = sorted.slice(0, MAX_SAMPLES);
  const otherRows = shown.reduce((rest, [, { rows: count }]) => rest - count, rows);
  return [
    ...shown.map(
      ([value, { rows: count, line }]) => `${reason} ${value}: ${formatRows(count)}, first at line ${line}`,
    ),
    ...(otherRows > 0 ? [`${reason}, other values: ${formatRows(otherRows)}`] : []),
  ];
}

function formatRows(rows: number): string {
  return rows === 1 ? "1 row" : `${rows} rows`;
}
