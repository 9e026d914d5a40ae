import { describe, expect, test } from "vitest";
import { type ReadOptions, readXgboostModel } from "../../../training/xgboost/read-model.ts";
import { UnsupportedModelError } from "../../../training/xgboost/unsupported-model-error.ts";
import { editFixture, readFixture } from "./fixtures.ts";

const encode = (text: string) => new TextEncoder().encode(text);

function getError(file: Uint8Array, options?: ReadOptions): string {
  try {
    readXgboostModel(file, options);
  } catch (error) {
    expect(error).toBeInstanceOf(UnsupportedModelError);
    return (error as Error).message;
  }
  throw new Error("the model was not rejected");
}

describe("a model file", () => {
  test("has a version, a booster, an objective and a base score", () => {
    const old = readXgboostModel(readFixture("1.7.4/ordinal.json"));
    expect(old).toMatchObject({ version: "1.7.4", booster: "gbtree", objective: "reg:squarederror" });
    expect(old.ensemble.baseScore).toBe(0.5);
    expect(readXgboostModel(readFixture("3.2.0/dart.json"))).toMatchObject({
      version: "3.2.0",
      booster: "dart",
    });
    expect(readXgboostModel(readFixture("3.2.0/ordinal.json")).ensemble.baseScore).toBeCloseTo(3953.9, 1);
  });

  test("JSON and UBJ give the same trees", () => {
    const file = readFixture("3.2.0/nameless.ubj");
    const { ensemble } = readXgboostModel(file);
    expect(ensemble).toEqual(readXgboostModel(readFixture("3.2.0/ordinal.json")).ensemble);
  });

  test("with early stopping has the trees up to its best iteration", () => {
    const file = readFixture("1.7.4/early.json");
    expect(readXgboostModel(file).ensemble.trees).toHaveLength(9);
  });

  test("of XGBoost 2.1 has a base score without brackets", () => {
    const file = editFixture(
      "3.2.0/ordinal.json",
      [/"version":\[3,2,0\]/, '"version":[2,1,4]'],
      [/"\[(.*?)\]"/, '"$1"'],
    );
    expect(readXgboostModel(file).version).toBe("2.1.4");
  });
});

describe("features", () => {
  test("grades have the codes of our vocabulary by default, worst to best", () => {
    const [, cut] = readXgboostModel(readFixture("1.7.4/partition.ubj")).features;
    expect(cut).toEqual({
      column: "cut",
      codes: new Map([
        ["Fair", 0],
        ["Good", 1],
        ["Very Good", 2],
        ["Premium", 3],
        ["Ideal", 4],
      ]),
    });
  });

  test("categories in the file override the vocabulary, and the caller's names override both", () => {
    const readCutCodes = (name: string, options?: ReadOptions) => {
      const feature = readXgboostModel(readFixture(name), options).features[1]!;
      return "codes" in feature ? [...feature.codes.values()] : [];
    };
    expect(readCutCodes("3.2.0/alphabetical.json")).toEqual([0, 1, 4, 3, 2]);
    expect(readCutCodes("3.2.0/numbers.json")).toEqual([4, 3, 2, 1, 0]);
    const categories = { cut: ["Ideal", "Fair", "Premium", "Very Good", "Good"] };
    expect(readCutCodes("3.2.0/alphabetical.json", { categories })).toEqual([1, 4, 3, 2, 0]);
    expect(readCutCodes("3.2.0/numbers.json", { categories })).toEqual([3, 0, 1, 2, 4]);
  });

  test("rejects categories without one of the grades", () => {
    expect(
      getError(readFixture("1.7.4/ordinal.json"), { categories: { cut: ["Fair", "Good", "Ideal"] } }),
    ).toBe(
      "the categories of cut are Fair, Good, Ideal; Very Good, Premium are missing; use --categories to name all of them",
    );
  });

  test("rejects unknown feature names unless they are mapped to columns", () => {
    const file = readFixture("3.2.0/renamed.json");
    expect(getError(file)).toBe(
      "unknown features length, mm, weight: features must be carat, cut, color, clarity, depth, table, x, y, z; " +
        "use --features to map other names to these columns. Features that are computed from several columns must be " +
        'those of gradient-boosting: "volume", "density", "x/y", "depth gap", "color, clarity", "clarity, color"',
    );
    const { features } = readXgboostModel(file, { features: { "length, mm": "x", weight: "carat" } });
    expect(features.map(({ column }) => column)).toEqual(["x", "carat", "clarity", "cut"]);
    expect(getError(file, { features: { lenght: "x" } })).toContain(
      "the model has no feature lenght; its features are ",
    );
  });

  test("features without names are the nine columns in order, or are mapped as f0, f1, ...", () => {
    const nameless = readFixture("1.7.4/nameless.ubj");
    expect(readXgboostModel(nameless).features.map(({ column }) => column)).toEqual([
      "carat",
      "cut",
      "color",
      "clarity",
      "depth",
      "table",
      "x",
      "y",
      "z",
    ]);
    const file = editFixture("3.2.0/renamed.json", [/"feature_names":\[.*?\]/, '"feature_names":[]']);
    expect(getError(file)).toContain("the model has 4 features without names");
    const map = { f0: "x", f1: "carat", f2: "clarity", f3: "cut" } as const;
    expect(readXgboostModel(file, { features: map }).features.map(({ column }) => column)).toEqual(
      Object.values(map),
    );
    expect(getError(file, { features: { f0: "x" } })).toContain("unknown features f1, f2, f3: ");
  });

  test("rejects a model that uses a number column as a category", () => {
    for (const name of ["1.7.4/one-hot.json", "3.2.0/one-hot.json"]) {
      const names = { carat: "cut", cut: "carat" } as const;
      expect(getError(readFixture(name), { features: names })).toBe(
        "the model uses carat as a category; carat must be a number",
      );
    }
  });
});

describe("readXgboostModel rejects", () => {
  const model = "3.2.0/ordinal.json";
  test.each<[string, Uint8Array, string | RegExp]>([
    ["an empty file", new Uint8Array(), "the file is empty"],
    ["a pickle", Uint8Array.of(0x80, 4, 0x95), /^the file is a Python pickle/],
    [
      "XGBoost's old binary format",
      encode("binf\0\0"),
      /^the file is not an XGBoost model in JSON or UBJ format; save the model/,
    ],
    [
      "other JSON",
      encode('{"cut": "Ideal"}'),
      "the file is not a valid XGBoost model: learner must be an object",
    ],
    ["a dump", encode('[{"nodeid": 0}]'), "the file is not a valid XGBoost model: learner must be an object"],
    ["truncated JSON", encode('{"learner": '), /^invalid JSON: /],
    [
      "a truncated UBJ file",
      readFixture("3.2.0/partition.ubj").subarray(0, 5000),
      /^the UBJ file is truncated \(byte \d+ of 5000\)$/,
    ],
    [
      "a classifier",
      editFixture(model, [/reg:squarederror/, "multi:softprob"]),
      /^the objective multi:softprob is not supported; supported are reg:squarederror/,
    ],
    [
      "a logistic link",
      editFixture(model, [/reg:squarederror/, "reg:logistic"]),
      /^the objective reg:logistic is not supported; .*: it predicts a number from 0 to 1$/,
    ],
    [
      "two targets",
      editFixture(model, [/"num_target":"1"/, '"num_target":"2"']),
      "models with several outputs or classes are not supported",
    ],
    [
      "vector leaves",
      editFixture(model, [/"size_leaf_vector":"1"/, '"size_leaf_vector":"2"']),
      "models with several outputs (vector leaves) are not supported",
    ],
    [
      "a linear booster",
      editFixture(model, [/"name":"gbtree"/, '"name":"gblinear"']),
      "the booster gblinear is not supported; supported are gbtree and dart",
    ],
    [
      "a version that is too old",
      editFixture(model, [/"version":\[3,2,0\]/, '"version":[1,6,2]']),
      "XGBoost 1.6.2 is not supported; load the model in XGBoost 1.7 or later and save it again",
    ],
    [
      "a version that does not exist yet",
      editFixture(model, [/"version":\[3,2,0\]/, '"version":[4,0,0]']),
      "XGBoost 4.0.0 is not supported; supported are 1.7 to 3.x",
    ],
    [
      "an empty base score",
      editFixture(model, [/"base_score":".*?"/, '"base_score":"[]"']),
      'the base score must be a number, but is "[]"',
    ],
    [
      "a branch to a node that does not exist",
      editFixture(model, [/"left_children":\[1,/, '"left_children":[999,']),
      "a tree has a branch to node 999, which does not exist",
    ],
    [
      "a branch to its own node",
      editFixture(model, [/"left_children":\[1,/, '"left_children":[0,']),
      "a tree has two branches to node 0",
    ],
    [
      "arrays of different lengths",
      editFixture(model, [/"left_children":\[1,/, '"left_children":[']),
      "the arrays of a tree must have the same length",
    ],
    [
      "a feature number that is too high",
      editFixture(model, [/"split_indices":\[\d+/, '"split_indices":[9']),
      "a tree splits on an unknown feature; the model has 9 features",
    ],
    [
      "a split condition that is NaN",
      editFixture(model, [/"split_conditions":\[[^,]+/, '"split_conditions":[NaN']),
      "a tree has a split condition or a leaf value that is not a number",
    ],
    [
      "a string instead of a number",
      editFixture(model, [/"split_conditions":\[[^,]+/, '"split_conditions":["x"']),
      "the file is not a valid XGBoost model: split_conditions[0] must be a number",
    ],
    [
      "a category that is too high",
      editFixture("3.2.0/one-hot.json", [/"categories":\[\d/, '"categories":[40']),
      "category 40 is not supported; the highest supported category is 30",
    ],
    [
      "incomplete categories",
      editFixture("3.2.0/one-hot.json", [/"categories_sizes":\[1/, '"categories_sizes":[900']),
      "the categories of a split are incomplete or not integers",
    ],
    [
      "a categorical split without categories",
      editFixture("3.2.0/one-hot.json", [/"categories_nodes":\[\d+/, '"categories_nodes":[0']),
      "a categorical split has no categories",
    ],
  ])("%s", (_, file, message) => {
    if (typeof message === "string") expect(getError(file)).toBe(message);
    else expect(getError(file)).toMatch(message);
  });
});
