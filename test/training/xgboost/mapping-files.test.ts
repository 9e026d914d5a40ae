import { expect, test } from "vitest";
import { parseCategoryNames, parseFeatureMap } from "../../../training/xgboost/mapping-files.ts";

test("a categories file has the names of each column", () => {
  expect(parseCategoryNames('{"cut": ["Fair", "Good"]}')).toEqual({ cut: ["Fair", "Good"] });
});

test("a feature map has the column of each feature", () => {
  expect(parseFeatureMap('{"weight": "carat"}')).toEqual({ weight: "carat" });
});

test("rejects an invalid file and names the field", () => {
  expect(() => parseCategoryNames("{")).toThrow(/^the categories file is not valid JSON: /);
  expect(() => parseCategoryNames('{"cut": [1]}')).toThrow(/^the categories file is invalid at cut\.0: /);
  expect(() => parseCategoryNames('{"shape": ["Round"]}')).toThrow(
    /^the categories file is invalid: .*"shape"/,
  );
  expect(() => parseFeatureMap('{"weight": "mass"}')).toThrow(/^the feature map is invalid at weight: /);
  expect(() => parseFeatureMap("[]")).toThrow(/^the feature map is invalid: /);
});
