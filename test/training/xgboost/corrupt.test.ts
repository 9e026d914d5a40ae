import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readXgboostModel } from "../../../training/xgboost/read-model.ts";
import { UnsupportedModelError } from "../../../training/xgboost/unsupported-model-error.ts";
import { exportXgboostModel } from "./compare-predictions.ts";
import { readFixture } from "./fixtures.ts";

/** Reads and exports a file. The only allowed error is an UnsupportedModelError with one line. */
function expectNoCrash(file: Uint8Array): void {
  try {
    expect(exportXgboostModel(readXgboostModel(file), false).length).toBeGreaterThan(0);
  } catch (error) {
    if (!(error instanceof UnsupportedModelError)) throw error;
    expect(error.message).not.toContain("\n");
  }
}

describe.each(["3.2.0/one-hot.json", "3.2.0/partition.ubj", "1.7.4/partition.ubj"])("%s", (name) => {
  const file = readFixture(name);

  test("is rejected if it is truncated anywhere", () => {
    fc.assert(
      fc.property(fc.nat(file.length - 1), (length) => {
        expect(() => readXgboostModel(file.subarray(0, length))).toThrow(UnsupportedModelError);
      }),
      { numRuns: 200 },
    );
  });

  test("is read or rejected if bytes are changed", () => {
    const change = fc.record({ at: fc.nat(file.length - 1), to: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const corrupt = Uint8Array.from(file);
        for (const { at, to } of changes) corrupt[at] = to;
        expectNoCrash(corrupt);
      }),
      { numRuns: 150 },
    );
  });
});

test("rejects random bytes", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(() => readXgboostModel(bytes)).toThrow(UnsupportedModelError);
      expect(() => readXgboostModel(Uint8Array.of(123, 76, ...bytes))).toThrow(UnsupportedModelError);
    }),
  );
});

test.each([
  [
    "3.2.0/one-hot.json",
    /"num_feature":\s*"\d+"/g,
    '"num_feature":"4294967296"',
    "the model has 4294967296 features; supported are 1 to 1000",
  ],
  ["3.2.0/dart.json", /"weight_drop":\s*\[[^\]]*\]/, '"weight_drop":[]', "trees but 0 tree weights"],
])("rejects %s with another value of %s", (name, pattern, replacement, message) => {
  const text = new TextDecoder().decode(readFixture(name));
  expect(text).toMatch(pattern);
  const file = new TextEncoder().encode(text.replace(pattern, replacement));
  expect(() => readXgboostModel(file)).toThrow(message);
});
