import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { GRADE_COLUMNS, GRADES, NUMBER_COLUMNS, type PricedStone } from "../../src/domain/diamond.ts";
import { createRandom } from "../../test/support/random.ts";
import type { Matrix } from "../../training/boosting/index.ts";

/** The columns of a stone without its price, in the order of every benchmark. */
export const COLUMNS = ["carat", "cut", "color", "clarity", "depth", "table", "x", "y", "z"] as const;

/** The embedded dataset by column. A grade is its rank from worst to best; the price is in US dollars. */
export type Diamonds = Record<(typeof COLUMNS)[number] | "price", Float32Array>;

/** A table to fit: features, and the price of each row in US dollars. */
export interface PriceTable {
  x: Matrix;
  y: Float32Array;
}

const CSV_FILE = new URL("../../node_modules/@observablehq/sample-datasets/diamonds.csv", import.meta.url);

/** Reads the stones of the embedded dataset whose sizes are all above 0: 53,920 of 53,940. */
export function readStones(): PricedStone[] {
  const rows = parse(readFileSync(CSV_FILE), { columns: true }) as Record<string, string>[];
  return rows
    .filter((row) => ["x", "y", "z"].every((name) => Number(row[name]) > 0))
    .map((row) => {
      const numbers = [...NUMBER_COLUMNS, "price"].map((name) => [name, Number(row[name])]);
      return Object.fromEntries([
        ...numbers,
        ...GRADE_COLUMNS.map((name) => [name, row[name]]),
      ]) as PricedStone;
    });
}

export function loadDiamonds(): Diamonds {
  const stones = readStones();
  const columns: [string, Float32Array][] = [...NUMBER_COLUMNS, "price" as const].map((name) => [
    name,
    Float32Array.from(stones, (stone) => stone[name]),
  ]);
  for (const name of GRADE_COLUMNS) {
    const grades: readonly string[] = GRADES[name];
    columns.push([name, Float32Array.from(stones, (stone) => grades.indexOf(stone[name]))]);
  }
  return Object.fromEntries(columns) as Diamonds;
}

/** Copies some rows of the dataset to a table. */
export function selectRows(diamonds: Diamonds, rows: Int32Array): PriceTable {
  return {
    x: { rows: rows.length, columns: COLUMNS.map((name) => selectValues(diamonds[name], rows)) },
    y: selectValues(diamonds.price, rows),
  };
}

/** A table of any size: a sample of the stones, or jittered copies if there are not enough. */
export function createTable(diamonds: Diamonds, rows: number): PriceTable {
  if (rows > diamonds.price.length) return createLargeTable(diamonds, rows);
  return selectRows(diamonds, shuffleIndices(diamonds.price.length, 1).slice(0, rows));
}

/** Draws stones with replacement and changes their measurements and prices by a few per mille. */
function createLargeTable(diamonds: Diamonds, rows: number): PriceTable {
  const random = createRandom(1);
  const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
  const indices = Int32Array.from({ length: rows }, () => Math.floor(random() * diamonds.price.length));
  const table = selectRows(diamonds, indices);
  const relative: Partial<Record<(typeof COLUMNS)[number], number>> = {
    carat: 0.01,
    x: 0.005,
    y: 0.005,
    z: 0.005,
  };
  const absolute: typeof relative = { depth: 0.1, table: 0.2 };
  COLUMNS.forEach((name, feature) => {
    const column = table.x.columns[feature]!;
    for (let row = 0; row < rows; row++) {
      column[row] =
        column[row]! * Math.exp((relative[name] ?? 0) * normal()) + (absolute[name] ?? 0) * normal();
    }
  });
  return { x: table.x, y: table.y.map((price) => price * Math.exp(0.03 * normal())) };
}

export function selectValues(values: Float32Array, rows: Int32Array): Float32Array {
  return Float32Array.from(rows, (row) => values[row]!);
}

/** Splits the row numbers 0 to `count - 1` at random into 80 % training rows and 20 % test rows. */
export function splitRandomly(count: number, seed: number): { train: Int32Array; test: Int32Array } {
  const order = shuffleIndices(count, seed);
  const testCount = Math.round(count / 5);
  return { test: order.slice(0, testCount), train: order.slice(testCount) };
}

/** Returns the numbers 0 to `count - 1` in a random order that depends only on the seed. */
export function shuffleIndices(count: number, seed: number): Int32Array {
  const random = createRandom(seed);
  const order = Int32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}

export function computeMeanAbsoluteError(predicted: ArrayLike<number>, actual: Float32Array): number {
  let sum = 0;
  for (let row = 0; row < actual.length; row++) sum += Math.abs(predicted[row]! - actual[row]!);
  return sum / actual.length;
}

export function computeMean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
