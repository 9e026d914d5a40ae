import leven from "leven";
import type { RequiredColumn } from "./raw-row.ts";

/** Words in a name that make it likely that the column is meant. They are not sure enough to read it. */
const LIKELY_WORDS: Readonly<Record<RequiredColumn, readonly string[]>> = {
  carat: ["carat", "carats", "weight", "ct", "cts", "wt", "karat"],
  cut: ["cut", "make"],
  color: ["color", "colour"],
  clarity: ["clarity", "purity"],
  depth: ["depth", "dpth"],
  table: ["table", "tbl"],
  x: ["x", "length", "len"],
  y: ["y", "width"],
  z: ["z", "height"],
  price: ["price", "cost", "amount", "usd", "value"],
};
/** A name with one of these words means something else. */
const OTHER_MEANINGS = /^(?:per|ppc|eur|euros?|gbp|chf|cad|aud|inr|log|avg|mean|symmetry|polish)$/;
const MAX_SUGGESTIONS = 2;
const MIN_MISSPELT_LENGTH = 3;
const MAX_MISSPELT_LENGTH = 20;

/** The names of a header that may mean a missing column, the most likely first. */
export function suggestNames(column: RequiredColumn, names: readonly string[]): string[] {
  return names
    .flatMap((name) => {
      const distance = measureDistance(column, name);
      return distance === null ? [] : [{ name, distance }];
    })
    .sort((a, b) => a.distance - b.distance)
    .slice(0, MAX_SUGGESTIONS)
    .map(({ name }) => name);
}

/** How far a name is from a column; null if it does not seem to mean it. */
function measureDistance(column: RequiredColumn, name: string): number | null {
  const words = splitWords(name.slice(0, 100));
  if (words.some((word) => OTHER_MEANINGS.test(word))) return null;
  const likely = LIKELY_WORDS[column].findIndex((word) => words.includes(word));
  if (likely >= 0) return likely;
  const letters = words.join("");
  if (column.length < MIN_MISSPELT_LENGTH || letters.length > MAX_MISSPELT_LENGTH) return null;
  const distance = leven(column, letters);
  return distance <= Math.floor(column.length / 3) ? 10 + distance : null;
}

/** Splits `tableRatio`, `table_ratio` and `Table Ratio` into words of lower case. */
function splitWords(name: string): string[] {
  return name
    .replaceAll(/(\p{Ll})(\p{Lu})/gu, "$1 $2")
    .toLowerCase()
    .split(/[^\p{L}]+/u)
    .filter((word) => word !== "");
}
