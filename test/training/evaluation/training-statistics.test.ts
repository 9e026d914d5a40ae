import { beforeAll, describe, expect, test } from "vitest";
import {
  GRADES,
  MEASUREMENTS,
  type NumberColumn,
  type PricedStone,
  type Stone,
} from "../../../src/domain/diamond.ts";
import { findImplausibleValues } from "../../../src/domain/prediction/plausibility.ts";
import { readDataset } from "../../../training/data/dataset.ts";
import type { DatasetStone } from "../../../training/data/dataset-stone.ts";
import { createEmbeddedSource } from "../../../training/data/source.ts";
import { type Split, splitStones } from "../../../training/data/split.ts";
import { BACKGROUND_STONES } from "../../../training/evaluation/select-background.ts";
import {
  computeTrainingStatistics,
  type TrainingStatistics,
} from "../../../training/evaluation/training-statistics.ts";

let split: Split;
let statistics: TrainingStatistics;

beforeAll(async () => {
  const { stones } = await readDataset([createEmbeddedSource()]);
  split = splitStones(stones, 42);
  statistics = computeTrainingStatistics(split.train, 42);
});

describe("plausibility, fitted on the embedded dataset", () => {
  type Change = (stone: DatasetStone) => Partial<Stone>;

  /** The fraction of changed test stones that get a warning. Only the measurements in `kept` are given. */
  function measureWarned(change: Change, kept: readonly string[] = MEASUREMENTS): number {
    // A third of the test stones is enough: 3,500.
    const tested = split.test.filter((_, i) => i % 3 === 0);
    const warned = tested.filter((stone) => {
      const changed: Stone = { ...stone, ...change(stone) };
      const missing = MEASUREMENTS.filter((name) => !kept.includes(name));
      const given = { ...changed, ...Object.fromEntries(missing.map((name) => [name, undefined])) };
      return findImplausibleValues(statistics.plausibility!, given).length > 0;
    });
    return warned.length / tested.length;
  }

  test("at most 1 % of the test stones get a warning, whatever is left out", () => {
    for (const kept of [MEASUREMENTS, ["x"], ["x", "y"], ["z", "depth"], ["depth", "table"], []]) {
      expect(
        measureWarned(() => ({}), kept),
        kept.join(),
      ).toBeLessThanOrEqual(0.01);
    }
  });

  const multiply =
    (name: NumberColumn, factor: number): Change =>
    (stone) => ({ [name]: stone[name] * factor });
  test.each([2, 0.5, 10, 0.1])(
    "at least 99 %% do if one of carat, x, y or z is multiplied by %d",
    (factor) => {
      for (const name of ["carat", "x", "y", "z"] as const) {
        expect(measureWarned(multiply(name, factor)), name).toBeGreaterThanOrEqual(0.99);
      }
      for (const name of ["x", "y", "z"] as const) {
        expect(measureWarned(multiply(name, factor), [name]), name).toBeGreaterThanOrEqual(0.99);
        expect(measureWarned(multiply("carat", factor), [name]), `carat, ${name}`).toBeGreaterThanOrEqual(
          0.99,
        );
      }
    },
  );

  test.each<[string, Change]>([
    ["x, y and z are in inches", ({ x, y, z }) => ({ x: x / 25.4, y: y / 25.4, z: z / 25.4 })],
    ["x, y and z are halved", ({ x, y, z }) => ({ x: x / 2, y: y / 2, z: z / 2 })],
    ["z and depth are swapped", ({ z, depth }) => ({ z: depth, depth: z })],
    ["carat and z are swapped", ({ z, carat }) => ({ z: carat, carat: z })],
  ])("at least 99 %% do if %s", (_, change) => {
    for (const kept of [MEASUREMENTS, ["z"], ["x", "z"], ["z", "depth"]]) {
      expect(measureWarned(change, kept), kept.join()).toBeGreaterThanOrEqual(0.99);
    }
  });

  test("is fitted with misprints in the data, and does not move with them", () => {
    const spoiled = split.train.map((stone, i) => (i % 150 === 0 ? { ...stone, x: stone.x * 10 } : stone));
    const { relations } = computeTrainingStatistics(spoiled, 42).plausibility!;
    const { limits } = relations["x by carat"]!.Ideal!;
    const clean = statistics.plausibility!.relations["x by carat"]!.Ideal!.limits;
    expect(limits[0] / clean[0]).toBeCloseTo(1, 2);
    expect(limits[1] / clean[1]).toBeLessThan(1.1);
  });

  test("takes all stones for a cut with few, and is null with fewer than 100 stones", () => {
    const noFair = split.train.filter(({ cut }, i) => cut !== "Fair" || i % 20 === 0);
    const { relations } = computeTrainingStatistics(noFair, 42).plausibility!;
    expect(relations["x by carat"]?.Fair).not.toEqual(relations["x by carat"]?.Ideal);
    expect(computeTrainingStatistics(split.train.slice(0, 99), 42).plausibility).toBeNull();
  });
});

describe("the background", () => {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

  test("has few stones with the same means as all training stones, and without misprints", () => {
    const { background, plausibility } = statistics;
    expect(background.carat).toHaveLength(BACKGROUND_STONES);
    const rank = (column: "cut" | "color" | "clarity", grade: string) =>
      (GRADES[column] as readonly string[]).indexOf(grade);
    const difference = (ofBackground: number[], property: (stone: PricedStone) => number) => {
      const values = split.train.map(property);
      const center = mean(values);
      const deviation = Math.sqrt(mean(values.map((value) => (value - center) ** 2)));
      return Math.abs(mean(ofBackground) - center) / deviation;
    };
    expect(difference(background.carat.map(Math.log), ({ carat }) => Math.log(carat))).toBeLessThan(0.02);
    expect(difference(background.depth, ({ depth }) => depth)).toBeLessThan(0.02);
    for (const column of ["cut", "color", "clarity"] as const) {
      const ranks = background[column].map((grade) => rank(column, grade));
      expect(
        difference(ranks, (stone) => rank(column, stone[column])),
        column,
      ).toBeLessThan(0.02);
    }
    background.carat.forEach((_, i) => {
      const stone = Object.fromEntries(Object.entries(background).map(([name, list]) => [name, list[i]]));
      expect(findImplausibleValues(plausibility!, stone as unknown as Stone)).toEqual([]);
      expect(
        split.train.some((other) => Object.entries(stone).every(([k, v]) => other[k as "carat"] === v)),
      ).toBe(true);
    });
  });

  test("depends on the seed only, and is all stones if there are few", () => {
    expect(computeTrainingStatistics([...split.train], 42).background).toEqual(statistics.background);
    expect(computeTrainingStatistics([...split.train], 43).background).not.toEqual(statistics.background);
    const few = split.train.slice(0, 5);
    expect(computeTrainingStatistics(few, 42).background.carat.toSorted()).toEqual(
      few.map(({ carat }) => carat).toSorted(),
    );
    expect(computeTrainingStatistics(split.train.slice(0, 1), 42).background.carat).toHaveLength(1);
  });
});
