import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { CLARITIES, COLORS, CUTS } from "../../src/domain/diamond.ts";

/** The embedded dataset, by column: grades as their rank from worst to best, price in US dollars. */
export type Diamonds = Record<(typeof COLUMNS)[number] | "price", Float32Array>;

/** The plain features, in the order of every bench. */
export const COLUMNS = ["carat", "cut", "color", "clarity", "depth", "table", "x", "y", "z"] as const;

const GRADES: Record<string, readonly string[]> = { cut: CUTS, color: COLORS, clarity: CLARITIES };
export const FILE = new URL("../../node_modules/@observablehq/sample-datasets/diamonds.csv", import.meta.url);

/** The stones whose measurements are all above 0: 53,920 of 53,940. */
export function loadDiamonds(): Diamonds {
  const rows = (parse(readFileSync(FILE), { columns: true }) as Record<string, string>[]).filter((row) =>
    ["x", "y", "z"].every((name) => Number(row[name]) > 0),
  );
  const column = (name: string) =>
    Float32Array.from(rows, (row) => GRADES[name]?.indexOf(row[name]!) ?? Number(row[name]));
  return Object.fromEntries([...COLUMNS, "price"].map((name) => [name, column(name)])) as Diamonds;
}

/** The numbers 0 to `count - 1` in a random order that depends on the seed alone. */
export function shuffled(count: number, seed: number): Int32Array {
  const random = generator(seed);
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

/** Mulberry32: numbers from 0 to 1. */
export function generator(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick(values: Float32Array, rows: Int32Array): Float32Array {
  return Float32Array.from(rows, (row) => values[row]!);
}

export function meanAbsoluteError(predicted: Float32Array, actual: Float32Array): number {
  let sum = 0;
  for (let row = 0; row < actual.length; row++) sum += Math.abs(predicted[row]! - actual[row]!);
  return sum / actual.length;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
