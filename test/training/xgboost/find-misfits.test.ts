/** Models of ../../fixtures/xgboost-import/meaning, read in a wrong way and in the right way. */
import { readFileSync } from "node:fs";
import { beforeAll, describe, expect, test } from "vitest";
import { GRADES } from "../../../src/domain/diamond.ts";
import { computeFeatures } from "../../../training/builders/fit.ts";
import { readDataset } from "../../../training/data/dataset.ts";
import type { DatasetStone } from "../../../training/data/dataset-stone.ts";
import { createEmbeddedSource } from "../../../training/data/source.ts";
import { fitCompletion } from "../../../training/models/completion.ts";
import { gradientBoosting } from "../../../training/models/gradient-boosting.ts";
import { findMisfits } from "../../../training/xgboost/check/find-misfits.ts";
import type { DerivedValues } from "../../../training/xgboost/check/predict.ts";
import { type ReadOptions, readXgboostModel } from "../../../training/xgboost/read-model.ts";
import type { LogTarget } from "../../../training/xgboost/to-graph.ts";

const FIXTURES = "test/fixtures/xgboost-import";
let stones: readonly DatasetStone[];
let derived: DerivedValues;

beforeAll(async () => {
  const dataset = await readDataset([createEmbeddedSource()]);
  stones = dataset.stones.filter((_, i) => i % 20 === 0);
  const { columns } = await computeFeatures(gradientBoosting, fitCompletion(stones), stones);
  derived = Object.fromEntries(gradientBoosting.featureNames.map((name, i) => [name, columns[i]!]));
});

interface Choices extends ReadOptions {
  readonly missing?: number;
  readonly log?: LogTarget;
  readonly errorRatio?: number;
}

function findFaults(name: string, choices: Choices = {}): string {
  const model = readXgboostModel(readFileSync(`${FIXTURES}/${name}`), choices);
  const { missing, log = false, errorRatio = 1 } = choices;
  return findMisfits(model, stones, { missing, log, derived, errorRatio }).join("\n");
}

const reorder = (sort: (grades: readonly string[]) => readonly string[]) => ({
  cut: sort(GRADES.cut),
  color: sort(GRADES.color),
  clarity: sort(GRADES.clarity),
});
const number = (grades: readonly string[], first: number) =>
  Object.fromEntries(grades.map((grade, i) => [grade, i + first]));

describe("a model that is read right has no faults", () => {
  test.each<[string, Choices]>([
    ["meaning/3.2.0/pandas-one-hot.ubj", {}],
    ["meaning/3.2.0/drop-first.ubj", {}],
    ["meaning/3.2.0/sklearn-one-hot.ubj", {}],
    ["meaning/3.2.0/sparse-one-hot.ubj", { missing: 0 }],
    ["meaning/3.2.0/missing-0.ubj", { missing: 0 }],
    ["meaning/3.2.0/log1p.ubj", { log: "log1p" }],
    ["meaning/3.2.0/derived.ubj", { log: "log per carat" }],
    ["meaning/3.2.0/gamma.ubj", {}],
    ["meaning/3.2.0/tweedie.ubj", {}],
    ["meaning/3.2.0/early-booster.ubj", {}],
    ["meaning/2.1.4/pandas-categories.ubj", { categories: reorder((grades) => grades.toSorted()) }],
    ["1.7.4/dart.json", {}],
    ["1.7.4/forest.json", { log: true }],
    ["3.2.0/absolute.json", {}],
    ["3.2.0/pruned.json", {}],
    ["3.2.0/nameless.ubj", {}],
    ["3.2.0/alphabetical.json", {}],
  ])("%s", (name, choices) => {
    // The error of a bad model does not matter if its splits fit.
    expect(findFaults(name, { ...choices, errorRatio: 3 })).toBe("");
  });
});

describe("a model that is read wrong is found, and the right way is named", () => {
  test("codes from 1", () => {
    expect(findFaults("meaning/3.2.0/from-one.ubj")).toContain(
      `worst to best from 1 for cut, color, clarity: --categories with ${JSON.stringify({
        cut: number(GRADES.cut, 1),
        color: number(GRADES.color, 1),
        clarity: number(GRADES.clarity, 1),
      })}`,
    );
  });

  test("categories in pandas' order", () => {
    expect(findFaults("meaning/2.1.4/pandas-categories.ubj")).toContain(
      `alphabetical from 0 for cut, color, clarity: --categories with ${JSON.stringify(reorder((grades) => grades.toSorted()))}`,
    );
  });

  test.each(["cut", "color", "clarity"] as const)("the codes of %s in another order", (column) => {
    const categories = { [column]: GRADES[column].toReversed() };
    expect(findFaults("3.2.0/ordinal.json", { categories })).toContain(
      `worst to best from 0 for ${column}: --categories with ${JSON.stringify({ [column]: GRADES[column] })}`,
    );
  });

  test("an order that nobody uses, if the error is large too", () => {
    const categories = { clarity: ["VS1", "I1", "IF", "SI2", "VVS1", "SI1", "VVS2", "VS2"] };
    const file = "1.7.4/ordinal.json";
    expect(findFaults(file, { categories: { clarity: GRADES.clarity }, errorRatio: 2 })).toBe("");
    expect(findFaults(file, { categories, errorRatio: 2 })).toMatch(/at splits on clarity\).*--categories/);
  });

  test("splits at codes that no grade has", () => {
    const features = { f6: "carat", f7: "x", f8: "y", f1: "cut" } as const;
    const rest = { f0: "z", f2: "table", f3: "color", f4: "depth", f5: "clarity" } as const;
    expect(findFaults("meaning/3.2.0/numbers-first.ubj", { features: { ...features, ...rest } })).toMatch(
      /the model splits cut at 6\d(\.\d+)?, but the highest code is 4 \(Ideal\)/,
    );
  });

  test("columns in another order", () => {
    expect(findFaults("meaning/3.2.0/numbers-first.ubj")).toContain(
      'they fit as carat, depth, table, x, y, z, cut, color, clarity: --features with {"f0":"carat","f1":"depth"',
    );
  });

  test("two columns that are swapped", () => {
    expect(findFaults("3.2.0/early.json", { features: { x: "z", z: "x" } })).toMatch(
      /[xz] and [xz] are swapped/,
    );
  });

  test("derived features under wrong names", () => {
    expect(
      findFaults("meaning/3.2.0/derived.ubj", {
        features: { volume: "density", density: "volume" },
        log: "log per carat",
        errorRatio: 2,
      }),
    ).toMatch(/at splits on (volume|density).*columns have other names/);
  });

  test("a sparse matrix, whose zeros are missing values", () => {
    expect(findFaults("meaning/3.2.0/sparse-one-hot.ubj")).toContain("--missing 0");
  });
});

test("a model of other stones does not count as wrong while its error is small", () => {
  stones = stones.filter(({ cut }) => cut === "Ideal" || cut === "Fair");
  expect(findFaults("3.2.0/ordinal.json")).toBe("");
});
