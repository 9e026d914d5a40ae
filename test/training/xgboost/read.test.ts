import { describe, expect, test } from "vitest";
import { type ReadOptions, readXgboost, UnsupportedModelError } from "../../../training/xgboost/index.ts";
import { edited, fixture } from "./files.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

function fault(file: Uint8Array, options?: ReadOptions): string {
  try {
    readXgboost(file, options);
  } catch (error) {
    expect(error).toBeInstanceOf(UnsupportedModelError);
    return (error as Error).message;
  }
  throw new Error("the model was read");
}

describe("a model", () => {
  test("tells its version, booster, objective and base score", () => {
    const old = readXgboost(fixture("1.7.4/ordinal.json"));
    expect(old).toMatchObject({ version: "1.7.4", booster: "gbtree", objective: "reg:squarederror" });
    expect(old.ensemble.baseScore).toBe(0.5);
    expect(readXgboost(fixture("3.2.0/dart.json"))).toMatchObject({ version: "3.2.0", booster: "dart" });
    expect(readXgboost(fixture("3.2.0/ordinal.json")).ensemble.baseScore).toBeCloseTo(3953.9, 1);
  });

  test("JSON and UBJ hold the same", () => {
    const file = fixture("3.2.0/nameless.ubj");
    const { ensemble } = readXgboost(file);
    expect(ensemble).toEqual(readXgboost(fixture("3.2.0/ordinal.json")).ensemble);
  });

  test("of early stopping counts up to its best iteration, or whole", () => {
    const file = fixture("1.7.4/early.json");
    expect(readXgboost(file).ensemble.trees).toHaveLength(9);
    expect(readXgboost(file, { iterations: "all" }).ensemble.trees).toHaveLength(14);
  });

  test("of a version between them reads, its base score a bare number", () => {
    const file = edited(
      "3.2.0/ordinal.json",
      [/"version":\[3,2,0\]/, '"version":[2,1,4]'],
      [/"\[(.*?)\]"/, '"$1"'],
    );
    expect(readXgboost(file).version).toBe("2.1.4");
  });
});

describe("features", () => {
  test("grades are coded in the vocabulary's order, worst to best", () => {
    const [, cut] = readXgboost(fixture("1.7.4/partition.ubj")).features;
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

  test("categories that the model keeps say otherwise, by name or by number", () => {
    const cut = (name: string, options?: ReadOptions) => {
      const feature = readXgboost(fixture(name), options).features[1]!;
      return "codes" in feature ? [...feature.codes.values()] : [];
    };
    expect(cut("3.2.0/alphabetical.json")).toEqual([0, 1, 4, 3, 2]);
    expect(cut("3.2.0/numbers.json")).toEqual([4, 3, 2, 1, 0]);
    const categories = { cut: ["Ideal", "Fair", "Premium", "Very Good", "Good"] };
    expect(cut("3.2.0/alphabetical.json", { categories })).toEqual([1, 4, 3, 2, 0]);
    expect(cut("3.2.0/numbers.json", { categories })).toEqual([3, 0, 1, 2, 4]);
  });

  test("a grade without a code is refused", () => {
    expect(fault(fixture("1.7.4/ordinal.json"), { categories: { cut: ["Fair", "Good", "Ideal"] } })).toBe(
      "the categories of cut lack Very Good, Premium: they are Fair, Good, Ideal; a mapping file says otherwise",
    );
  });

  test("names that are not ours are refused, or mapped", () => {
    const file = fixture("3.2.0/renamed.json");
    expect(fault(file)).toBe(
      "the model's features length, mm, weight are none of carat, cut, color, clarity, depth, table, x, y, z; " +
        "a feature map says which are meant",
    );
    const { features } = readXgboost(file, { features: { "length, mm": "x", weight: "carat" } });
    expect(features.map(({ column }) => column)).toEqual(["x", "carat", "clarity", "cut"]);
    expect(fault(file, { features: { lenght: "x" } })).toContain("the model has no feature lenght: it has");
  });

  test("without names they are the nine in order, or f0, f1, ... in the map", () => {
    const nameless = fixture("1.7.4/nameless.ubj");
    expect(readXgboost(nameless).features.map(({ column }) => column)).toEqual([
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
    const file = edited("3.2.0/renamed.json", [/"feature_names":\[.*?\]/, '"feature_names":[]']);
    expect(fault(file)).toContain("the model has 4 features without names");
    const map = { f0: "x", f1: "carat", f2: "clarity", f3: "cut" } as const;
    expect(readXgboost(file, { features: map }).features.map(({ column }) => column)).toEqual(
      Object.values(map),
    );
    expect(fault(file, { features: { f0: "x" } })).toContain("the model's features f1, f2, f3 are none of");
  });

  test("a number that is a category to the model is refused", () => {
    for (const name of ["1.7.4/one-hot.json", "3.2.0/one-hot.json"]) {
      const names = { carat: "cut", cut: "carat" } as const;
      expect(fault(fixture(name), { features: names })).toBe(
        "the model takes carat as a category; here it is a number",
      );
    }
  });
});

describe("refused, naming the fault", () => {
  const model = "3.2.0/ordinal.json";
  test.each<[string, Uint8Array, string | RegExp]>([
    ["an empty file", new Uint8Array(), "the file is empty"],
    ["a pickle", Uint8Array.of(0x80, 4, 0x95), /^the file is a Python pickle/],
    [
      "XGBoost's old binary format",
      bytes("binf\0\0"),
      /^the file is not an XGBoost model in JSON or UBJ; save it/,
    ],
    ["other JSON", bytes('{"cut": "Ideal"}'), "the file is not a whole XGBoost model: learner is missing"],
    ["a dump", bytes('[{"nodeid": 0}]'), "the file is not a whole XGBoost model: learner is missing"],
    ["no JSON", bytes('{"learner": '), /^the JSON file is corrupt: /],
    [
      "a truncated UBJ",
      fixture("3.2.0/partition.ubj").subarray(0, 5000),
      /^the UBJ file ends early \(byte \d+ of 5000\)$/,
    ],
    [
      "classes",
      edited(model, [/reg:squarederror/, "multi:softprob"]),
      /^the objective multi:softprob is not supported; supported are reg:squarederror/,
    ],
    [
      "a logarithmic link",
      edited(model, [/reg:squarederror/, "reg:gamma"]),
      /^the objective reg:gamma is not supported/,
    ],
    [
      "two targets",
      edited(model, [/"num_target":"1"/, '"num_target":"2"']),
      "models of several outputs or classes are not supported",
    ],
    [
      "vector leaves",
      edited(model, [/"size_leaf_vector":"1"/, '"size_leaf_vector":"2"']),
      "models of several outputs (vector leaves) are not supported",
    ],
    [
      "a linear booster",
      edited(model, [/"name":"gbtree"/, '"name":"gblinear"']),
      "the booster gblinear is not supported; supported are gbtree and dart",
    ],
    [
      "a version too old",
      edited(model, [/"version":\[3,2,0\]/, '"version":[1,6,2]']),
      "XGBoost 1.6.2 is not supported: load the model in 1.7 or later and save it again",
    ],
    [
      "a version unheard of",
      edited(model, [/"version":\[3,2,0\]/, '"version":[4,0,0]']),
      "XGBoost 4.0.0 is not supported: 1.7 to 3.x are",
    ],
    [
      "no base score",
      edited(model, [/"base_score":".*?"/, '"base_score":"[]"']),
      'the base score "[]" is no number',
    ],
    [
      "a branch to nowhere",
      edited(model, [/"left_children":\[1,/, '"left_children":[999,']),
      "a tree's branches lead to no node",
    ],
    [
      "a branch back",
      edited(model, [/"left_children":\[1,/, '"left_children":[0,']),
      "a tree's branches lead to a node twice",
    ],
    [
      "a branch too few",
      edited(model, [/"left_children":\[1,/, '"left_children":[']),
      "the arrays of a tree differ in length",
    ],
    [
      "a feature too many",
      edited(model, [/"split_indices":\[\d+/, '"split_indices":[9']),
      "a tree splits on a feature that the model's 9 do not include",
    ],
    [
      "a condition that is NaN",
      edited(model, [/"split_conditions":\[[^,]+/, '"split_conditions":[NaN']),
      "a tree has a condition or a leaf that is not a number",
    ],
    [
      "a text for a number",
      edited(model, [/"split_conditions":\[[^,]+/, '"split_conditions":["x"']),
      "the XGBoost model is corrupt: split_conditions[0] is no number",
    ],
    [
      "categories too many",
      edited("3.2.0/one-hot.json", [/"categories":\[\d/, '"categories":[40']),
      "category 40 is not supported: at most 31 categories",
    ],
    [
      "categories cut off",
      edited("3.2.0/one-hot.json", [/"categories_sizes":\[1/, '"categories_sizes":[900']),
      "a tree lists categories that are not whole",
    ],
    [
      "categories not listed",
      edited("3.2.0/one-hot.json", [/"categories_nodes":\[\d+/, '"categories_nodes":[0']),
      "a tree splits on categories that it does not list",
    ],
  ])("%s", (_, file, message) => {
    if (typeof message === "string") expect(fault(file)).toBe(message);
    else expect(fault(file)).toMatch(message);
  });
});
