import { describe, expect, test } from "vitest";
import { readCodes } from "../../../training/xgboost/category-codes.ts";
import { checkCategories } from "../../../training/xgboost/check/describe-codes.ts";
import { findFeatureSources } from "../../../training/xgboost/features.ts";
import { readOneHotName } from "../../../training/xgboost/one-hot.ts";
import { type ReadOptions, readXgboostModel } from "../../../training/xgboost/read-model.ts";
import { editFixture, readFixture } from "./fixtures.ts";

describe("one-hot columns are recognized by their names", () => {
  test.each([
    ["cut_Ideal", "cut", "Ideal"],
    ["cut_Very Good", "cut", "Very Good"],
    ["cutVery Good", "cut", "Very Good"],
    ["cut.Very.Good", "cut", "Very Good"],
    ["cut_very_good", "cut", "Very Good"],
    ["cut_VG", "cut", "Very Good"],
    ["cut=Ideal", "cut", "Ideal"],
    ["C(cut)[T.Premium]", "cut", "Premium"],
    ["color[T.E]", "color", "E"],
    ["color_D", "color", "D"],
    ["colour_D", "color", "D"],
    ["colorD", "color", "D"],
    ["clarity_I1", "clarity", "I1"],
    ["clarityVVS2", "clarity", "VVS2"],
    ["x0_Ideal", "cut", "Ideal"],
    ["x2_IF", "clarity", "IF"],
    ["onehot__cut_Ideal", "cut", "Ideal"],
    ["cat__x1_D", "color", "D"],
  ])("%s", (name, column, grade) => {
    expect(readOneHotName(name)).toEqual({ column, grade });
  });

  test.each([
    "cut",
    "color",
    "x",
    "cut_Excellent",
    "cut.L",
    "color^4",
    "x_Ideal",
    "y_D",
    "depth_D",
    "cut_0",
    "__proto__",
  ])("%s is none", (name) => {
    expect(readOneHotName(name)).toBeNull();
  });
});

describe("a feature map", () => {
  const read = (names: readonly string[], map: object) => () =>
    findFeatureSources(names, names.length, map as never);

  test("may give a grade to a one-hot column with another name", () => {
    expect(read(["carat", "best"], { best: "cut=Ideal" })()).toEqual([
      { column: "carat" },
      { column: "cut", grade: "Ideal" },
    ]);
  });

  test("must not put two features on one column", () => {
    expect(read(["a", "b"], { a: "cut", b: "cut" })).toThrow(
      'two features are read from one column, cut: a and b. Each must have its own column; a one-hot column has its own grade, as in {"b": "cut=Ideal"}',
    );
    expect(read(["carat", "weight"], { weight: "carat" })).toThrow(
      "from one column, carat: carat and weight",
    );
    expect(read(["cut_Ideal", "top"], { top: "cut=Ideal" })).toThrow(
      "from one column, cut=Ideal: cut_Ideal and top",
    );
  });

  test("must not give a whole column to a one-hot column", () => {
    expect(read(["cut_Fair", "cut_Ideal"], { cut_Fair: "cut", cut_Ideal: "cut" })).toThrow(
      "the feature map puts several one-hot columns on one column: cut_Fair, cut_Ideal. Each feature must have its own " +
        "column. One-hot columns are read by themselves, by their names: leave them out of the map",
    );
    expect(read(["cut_Ideal"], { cut_Ideal: "cut" })).toThrow(
      "gives the whole column cut to a one-hot column: cut_Ideal",
    );
  });
});

describe("codes", () => {
  const vocabulary = ["Fair", "Good", "Very Good", "Premium", "Ideal"];

  test("may begin at 1, with an empty name before them or as numbers", () => {
    const fromOne = [1, 2, 3, 4, 5];
    const numbers = { Fair: 1, Good: 2, "very good": 3, Premium: 4, Ideal: 5 };
    expect([...readCodes("cut", ["", ...vocabulary], undefined).codes.values()]).toEqual(fromOne);
    expect([...readCodes("cut", numbers, undefined).codes.values()]).toEqual(fromOne);
  });

  test("must name each grade once", () => {
    expect(() => readCodes("cut", [...vocabulary, "FAIR"], undefined)).toThrow(
      "the categories of cut have Fair twice",
    );
  });

  test("of numbers that the file keeps are their positions", () => {
    const { codes, source } = readCodes("cut", undefined, { codes: [4, 3, 2, 1, 0] });
    expect([...codes.values()]).toEqual([4, 3, 2, 1, 0]);
    expect(source).toBe("vocabulary");
  });
});

describe("categories", () => {
  const check =
    (name: string, options: ReadOptions = {}) =>
    () =>
      checkCategories(readXgboostModel(readFixture(name), options));
  const ours = { cut: ["Fair", "Good", "Very Good", "Premium", "Ideal"] };
  const all = {
    ...ours,
    color: [..."JIHGFED"],
    clarity: ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"],
  };

  test("without names in the file must be named", () => {
    const message =
      /uses cut, color, clarity as categories.*--categories FILE.*{"cut":\["Fair","Good","Ideal","Premium","Very Good"\],"color":\["D".*json.dumps/;
    expect(check("1.7.4/one-hot.json")).toThrow(message);
    expect(check("3.2.0/numbers.json")).toThrow(message);
    expect(check("1.7.4/partition.ubj", { categories: ours })).toThrow("uses color, clarity as categories");
    expect(check("1.7.4/partition.ubj", { categories: all })).not.toThrow();
  });

  test("are known from the feature types, too", () => {
    const typed = (type: string) => () =>
      checkCategories(
        readXgboostModel(
          editFixture("3.2.0/ordinal.json", [
            /"feature_types":\["float","int"/,
            `"feature_types":["float","${type}"`,
          ]),
        ),
      );
    expect(typed("c")).toThrow("uses cut as categories");
    expect(typed("int")).not.toThrow();
  });

  test("must not contradict the names in the file", () => {
    expect(check("3.2.0/alphabetical.json")).not.toThrow();
    expect(check("3.2.0/alphabetical.json", { categories: ours })).toThrow(
      "the categories file contradicts the names in the model file: Ideal of cut has the code 4 there, and 2 in the " +
        "model. The model's own names are right: leave cut out of the categories file",
    );
    expect(check("3.2.0/alphabetical.json", { categories: { cut: ours.cut.toSorted() } })).not.toThrow();
  });
});
