/** Finds grades of which a model was trained on no stones, or on hardly any. */
import { z } from "zod";
import { GRADE_COLUMNS, GRADES, type GradeColumn } from "../diamond.ts";
import type { Warning } from "./warning.ts";

/** A grade with fewer training stones is rare: what a model learns of it is the noise of single stones. */
export const RARE_GRADE_BELOW = 10;

export const RareGrades = z.record(z.string(), z.record(z.string(), z.number().int())).meta({
  id: "RareGrades",
  description: `Number of training stones of each grade that has fewer than ${RARE_GRADE_BELOW}, by column.`,
});
export type RareGrades = z.infer<typeof RareGrades>;

type GradedStone = Readonly<Record<GradeColumn, string>>;

/** Counts the training stones of each rare grade. A column without rare grades is left out. */
export function countRareGrades(stones: readonly GradedStone[]): RareGrades {
  const rare: RareGrades = {};
  for (const column of GRADE_COLUMNS) {
    const counts = new Map<string, number>(GRADES[column].map((grade) => [grade, 0]));
    for (const stone of stones) counts.set(stone[column], (counts.get(stone[column]) ?? 0) + 1);
    const rareCounts = [...counts].filter(([, count]) => count < RARE_GRADE_BELOW);
    if (rareCounts.length > 0) rare[column] = Object.fromEntries(rareCounts);
  }
  return rare;
}

/** Returns a warning for each grade of a stone that is rare among the training stones of the model. */
export function findRareGrades(rareGrades: RareGrades, stone: GradedStone): Warning[] {
  return GRADE_COLUMNS.flatMap((column) => {
    const count = rareGrades[column]?.[stone[column]];
    if (count === undefined) return [];
    const stones = count === 1 ? "stone" : "stones";
    const message = `the model was trained on ${count} ${stones} with ${column} ${stone[column]}: the price is an extrapolation`;
    return [{ code: "unseen-grade", message, fields: [column] }];
  });
}
