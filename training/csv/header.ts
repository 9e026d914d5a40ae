import { UserError } from "../../cloudflare/user-error.ts";
import { escapeText, quoteText } from "../files/quote-text.ts";
import { REQUIRED_COLUMNS, type RequiredColumn } from "./raw-row.ts";
import { suggestNames } from "./suggest-names.ts";

/** Other names that can mean only one column, in lower case and without blanks, hyphens, underscores and dots. */
const SYNONYMS: Readonly<Record<RequiredColumn, readonly string[]>> = {
  carat: ["carats", "caratweight", "carat(ct)", "caratct"],
  cut: ["cutgrade"],
  color: ["colour", "colorgrade", "colourgrade"],
  clarity: ["claritygrade"],
  depth: ["depth%", "depth(%)", "depthpercent", "depthpercentage", "depthpct"],
  table: ["table%", "table(%)", "tablepercent", "tablepercentage", "tablepct"],
  x: ["x(mm)", "xmm", "x[mm]"],
  y: ["y(mm)", "ymm", "y[mm]"],
  z: ["z(mm)", "zmm", "z[mm]"],
  price: ["priceusd", "price(usd)", "price($)", "price$", "price(us$)", "usdprice"],
};
// biome-ignore lint/suspicious/noControlCharactersInRegex: text has none of these characters
const BINARY = /[\0-\x08\x0e-\x1f]/;
const MAX_HEADER_LENGTH = 400;
const MAX_NAME_LENGTH = 40;
/** Names that suggestions are looked for in. */
const MAX_SUGGESTED_FROM = 1000;

/** Where the columns of a file are. Additional columns are ignored. */
export interface Header {
  readonly columnCount: number;
  /** The positions of the required columns, from 0. */
  readonly positions: ReadonlyMap<RequiredColumn, number>;
}

/** Compares names of columns: case, blanks, hyphens, underscores and dots do not matter. */
export function simplifyName(name: string): string {
  return name.toLowerCase().replaceAll(/[\s\-_.]/g, "");
}

/** Finds the positions of each required column: by its name or, if there is none, by a synonym. */
export function findColumns(names: readonly string[]): Map<RequiredColumn, number[]> {
  const simplified = names.map(simplifyName);
  const findPositions = (spellings: readonly string[]) =>
    simplified.flatMap((name, position) => (spellings.includes(name) ? [position] : []));
  return new Map(
    REQUIRED_COLUMNS.map((column) => {
      const exact = findPositions([column]);
      return [column, exact.length > 0 ? exact : findPositions(SYNONYMS[column])];
    }),
  );
}

/**
 * Reads the header.
 * @throws UserError if required columns are missing, or if the header has one of them twice
 */
export function readHeader(sourceName: string, names: readonly string[]): Header {
  const found = findColumns(names);
  const missing = REQUIRED_COLUMNS.filter((column) => found.get(column)?.length === 0);
  if (missing.length > 0) throw new UserError(`${sourceName}: ${describeMissing(missing, names, found)}`);
  const positions = new Map<RequiredColumn, number>();
  for (const [column, [first, second]] of found) {
    if (first === undefined) continue;
    if (second !== undefined) {
      const spelled = [names[first], names[second]].map((name) => quoteText(name ?? "", MAX_NAME_LENGTH));
      throw new UserError(
        `${sourceName}: the header has the column ${column} twice: ${spelled.join(" and ")}`,
      );
    }
    positions.set(column, first);
  }
  return { columnCount: names.length, positions };
}

function describeMissing(
  missing: readonly RequiredColumn[],
  names: readonly string[],
  found: ReadonlyMap<RequiredColumn, readonly number[]>,
): string {
  if (names.some((name) => BINARY.test(name))) {
    return `the header has no column ${missing.join(", ")}: this is a binary file, not CSV`;
  }
  const usedPositions = new Set([...found.values()].flat());
  const unusedNames = names
    .filter((_, position) => !usedPositions.has(position))
    .slice(0, MAX_SUGGESTED_FROM);
  const suggestions = missing.flatMap((column) => {
    const likely = suggestNames(column, unusedNames).map((name) => quoteText(name, MAX_NAME_LENGTH));
    return likely.length > 0 ? [`${likely.join(" or ")} for ${column}`] : [];
  });
  const synonyms = [...found].flatMap(([column, [position]]) => {
    const name = position === undefined ? "" : (names[position] ?? "");
    const isSynonym = name !== "" && simplifyName(name) !== column;
    return isSynonym ? [`${quoteText(name, MAX_NAME_LENGTH)} is read as ${column}`] : [];
  });
  const areValues = names.filter((name) => /^[+-]?[\d.,]+$/.test(name)).length > names.length / 3;
  return [
    `the header has no column ${missing.join(", ")}`,
    ...(suggestions.length > 0 ? [`rename ${suggestions.join(", ")}?`] : []),
    ...synonyms,
    areValues
      ? `the first line has values instead of names: ${formatNames(names)}`
      : `the header is ${formatNames(names)}`,
  ].join("; ");
}

function formatNames(names: readonly string[]): string {
  const list = names.slice(0, MAX_HEADER_LENGTH).map((name) => escapeText(name, MAX_NAME_LENGTH));
  return escapeText(list.join(", "), MAX_HEADER_LENGTH);
}
