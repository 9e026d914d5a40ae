import Papa from "papaparse";
import { GRADE_COLUMNS, STONE_COLUMNS } from "../../src/domain/diamond.ts";

export type StoneColumn = (typeof STONE_COLUMNS)[number];
/** The position of the file's column for each column of a stone; null if the file has none. */
export type ColumnMapping = Readonly<Record<StoneColumn, number | null>>;

export interface CsvFile {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
  /** The line of the file on which each row starts, counted from 1. */
  readonly lines: readonly number[];
  readonly delimiter: string;
}

export const REQUIRED_COLUMNS = ["carat", "cut", "color", "clarity"] as const;

/** How people name the columns of a stone, in lower case and without anything but letters. */
const COLUMN_NAMES: Readonly<Record<StoneColumn, readonly string[]>> = {
  carat: ["carat", "carats", "ct", "cts", "weight", "weightct", "caratweight", "weightcarat"],
  cut: ["cut", "cutgrade"],
  color: ["color", "colour", "col", "colorgrade", "colourgrade"],
  clarity: ["clarity", "clar", "claritygrade", "purity"],
  depth: ["depth", "depthpercent", "depthpercentage", "depthpct", "totaldepth"],
  table: ["table", "tablepercent", "tablepercentage", "tablepct", "tbl"],
  x: ["x", "length", "lengthmm", "xmm"],
  y: ["y", "width", "widthmm", "ymm"],
  z: ["z", "height", "heightmm", "zmm", "depthmm"],
};

/** Reads a CSV text with any usual delimiter. Empty lines are left out. */
export function readCsv(text: string): CsvFile {
  const { data, meta } = Papa.parse<string[]>(text.replace(/^\uFEFF/, ""));
  let nextLine = 1;
  const [header, ...rows] = data
    .map((cells) => {
      const line = nextLine;
      // A quoted cell can have several lines.
      nextLine += 1 + cells.reduce((sum, cell) => sum + (cell.match(/\r\n|\r|\n/g)?.length ?? 0), 0);
      return { line, cells };
    })
    .filter(({ cells }) => cells.some((cell) => cell.trim() !== ""));
  return {
    header: header?.cells.map((name) => name.trim()) ?? [],
    rows: rows.map(({ cells }) => cells),
    lines: rows.map(({ line }) => line),
    delimiter: meta.delimiter,
  };
}

/** Finds the column of the file for each column of a stone, by its name. */
export function guessColumns(header: readonly string[]): ColumnMapping {
  const names = header.map((name) => name.toLowerCase().replaceAll(/[^a-z]/g, ""));
  const find = (column: StoneColumn) => {
    const at = names.findIndex((name) => COLUMN_NAMES[column].includes(name));
    return at === -1 ? null : at;
  };
  return Object.fromEntries(STONE_COLUMNS.map((column) => [column, find(column)])) as ColumnMapping;
}

/** A stone for the API, or the reason why a row has none. */
export type RowStone = { readonly stone: Record<string, string | number> } | { readonly error: string };

/** Reads the stone of a row. A number may have a decimal comma. The API checks the values. */
export function readStone(row: readonly string[], mapping: ColumnMapping): RowStone {
  const stone: Record<string, string | number> = {};
  for (const column of STONE_COLUMNS) {
    const at = mapping[column];
    const text = at === null ? "" : (row[at] ?? "").trim();
    const isRequired = (REQUIRED_COLUMNS as readonly string[]).includes(column);
    if (text === "" && isRequired) return { error: `${column} is empty` };
    if (text === "") continue;
    if ((GRADE_COLUMNS as readonly string[]).includes(column)) stone[column] = text;
    else {
      const number = Number(text.replace(/^(\d*),(\d+)$/, "$1.$2"));
      if (Number.isNaN(number)) return { error: `${column} must be a number; it is “${text}”` };
      stone[column] = number;
    }
  }
  return { stone };
}

/** Writes rows in the delimiter of the file that they came from. */
export function writeCsv(
  header: readonly string[],
  rows: readonly (readonly string[])[],
  delimiter: string,
): string {
  return Papa.unparse([header as string[], ...(rows as string[][])], { delimiter, newline: "\n" });
}
