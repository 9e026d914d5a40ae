import { expect, test } from "vitest";
import { parseCategoryNames, parseFeatureMap } from "../../../training/xgboost/index.ts";

test("a mapping file gives names by column", () => {
  expect(parseCategoryNames('{"cut": ["Fair", "Good"]}')).toEqual({ cut: ["Fair", "Good"] });
});

test("a feature map gives our column of each feature", () => {
  expect(parseFeatureMap('{"weight": "carat"}')).toEqual({ weight: "carat" });
});

test("what is wrong is named", () => {
  expect(() => parseCategoryNames("{")).toThrow(/^the mapping file is no JSON: /);
  expect(() => parseCategoryNames('{"cut": [1]}')).toThrow(/^the mapping file is wrong at cut\.0: /);
  expect(() => parseCategoryNames('{"shape": ["Round"]}')).toThrow(
    /^the mapping file is wrong at its top: .*"shape"/,
  );
  expect(() => parseFeatureMap('{"weight": "mass"}')).toThrow(/^the feature map is wrong at weight: /);
  expect(() => parseFeatureMap("[]")).toThrow(/^the feature map is wrong at its top: /);
});
