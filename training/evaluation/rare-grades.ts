import type { PricedStone } from "../../src/domain/diamond.ts";
import { countRareGrades } from "../../src/domain/prediction/rare-grades.ts";

/** Lists the grades with no or hardly any training stones: `cut Very Good (0)`. */
export function listRareGrades(training: readonly PricedStone[]): string[] {
  return Object.entries(countRareGrades(training)).flatMap(([column, counts]) =>
    Object.entries(counts).map(([grade, count]) => `${column} ${grade} (${count})`),
  );
}

/** The note of a run about such grades; an empty list without them. */
export function describeRareGrades(training: readonly PricedStone[]): string[] {
  const grades = listRareGrades(training);
  if (grades.length === 0) return [];
  return [
    `no or hardly any training stones have ${grades.join(", ")}: the prices of such stones are extrapolations`,
  ];
}
