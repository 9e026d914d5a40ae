import { describe, expect, it } from "vitest";
import { CUTS, EXAMPLE_STONE, GRADE_COLUMNS, GRADES } from "../../../src/domain/diamond.ts";
import { toPrediction } from "../../../src/domain/prediction/prediction.ts";
import {
  countRareGrades,
  findRareGrades,
  RARE_GRADE_BELOW,
} from "../../../src/domain/prediction/rare-grades.ts";

/** As many stones as given of each grade. */
const createStones = (count: (column: string, grade: string) => number) => {
  const lists = GRADE_COLUMNS.map((column) =>
    (GRADES[column] as readonly string[]).flatMap((grade) => Array(count(column, grade)).fill(grade)),
  );
  const [cut = [], color = [], clarity = []] = lists;
  return cut.map((_, i) => ({
    cut: cut[i],
    color: color[i % color.length],
    clarity: clarity[i % clarity.length],
  }));
};

describe("rare grades", () => {
  it("are the grades of the vocabulary with fewer training stones than the limit", () => {
    const counts: Record<string, number> = { "Very Good": 0, Fair: RARE_GRADE_BELOW - 1 };
    const stones = createStones((column, grade) => (column === "cut" ? (counts[grade] ?? 100) : 20));
    expect(countRareGrades(stones)).toEqual({ cut: { "Very Good": 0, Fair: RARE_GRADE_BELOW - 1 } });
    expect(countRareGrades([]).cut).toEqual(Object.fromEntries(CUTS.map((cut) => [cut, 0])));
    expect(countRareGrades(createStones((column) => (column === "cut" ? 100 : 20)))).toEqual({});
  });

  it("give a stone a warning for each of its rare grades", () => {
    const rare = { cut: { "Very Good": 0 }, clarity: { IF: 1, SI2: 9 } };
    const stone = { ...EXAMPLE_STONE, cut: "Very Good", clarity: "IF" } as const;
    expect(findRareGrades(rare, stone)).toEqual([
      {
        code: "unseen-grade",
        message: "the model was trained on 0 stones with cut Very Good: the price is an extrapolation",
        fields: ["cut"],
      },
      {
        code: "unseen-grade",
        message: "the model was trained on 1 stone with clarity IF: the price is an extrapolation",
        fields: ["clarity"],
      },
    ]);
    expect(findRareGrades(rare, { ...stone, cut: "Ideal", clarity: "VS1" })).toEqual([]);
  });

  it("are in a prediction of a version that has them, and not in one of an older version", () => {
    const stone = { ...EXAMPLE_STONE, cut: "Good" } as const;
    const plausibility = { columns: {}, relations: {} };
    const predict = (rareGrades?: Record<string, Record<string, number>>) =>
      toPrediction(
        stone,
        1000,
        {
          ranges: {},
          calibration: null,
          plausibility: { ...plausibility, ...(rareGrades && { rareGrades }) },
        },
        { coverage: 0.9 },
      ).warnings;
    expect(predict({ cut: { Good: 3 } })).toMatchObject([{ code: "unseen-grade", fields: ["cut"] }]);
    expect(predict()).toEqual([]);
  });
});
