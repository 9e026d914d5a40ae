import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

/** Path of the embedded dataset. */
export const EMBEDDED_CSV = createRequire(import.meta.url).resolve(
  "@observablehq/sample-datasets/diamonds.csv",
);

const [header = "", ...rows] = readFileSync(EMBEDDED_CSV, "utf8").trim().split("\n");

/** The header of the embedded dataset. */
export const CSV_HEADER = header;
/** The rows of the embedded dataset, without the header. */
export const CSV_ROWS: readonly string[] = rows;

/** Writes a CSV file of stones and returns its path. */
export function writeStonesCsv(folder: string, name: string, rows: readonly string[]): string {
  const path = join(folder, name);
  writeFileSync(path, `${[CSV_HEADER, ...rows].join("\n")}\n`);
  return path;
}

/** The same stones with their prices changed, and rounded to whole dollars. */
export function mapPrices(rows: readonly string[], change: (price: number) => number): string[] {
  const column = CSV_HEADER.replaceAll('"', "").split(",").indexOf("price");
  return rows.map((row) => {
    const cells = row.split(",");
    cells[column] = String(Math.round(change(Number(cells[column]))));
    return cells.join(",");
  });
}
