import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readXgboost, UnsupportedModelError } from "../../../training/xgboost/index.ts";
import { exportXgboost } from "./comparison.ts";
import { fixture } from "./files.ts";

/** Reads and exports; anything but success or a named fault is a failure of ours. */
function survives(file: Uint8Array): void {
  try {
    expect(exportXgboost(readXgboost(file), false).length).toBeGreaterThan(0);
  } catch (error) {
    if (!(error instanceof UnsupportedModelError)) throw error;
    expect(error.message).not.toContain("\n");
  }
}

describe.each(["3.2.0/one-hot.json", "3.2.0/partition.ubj", "1.7.4/partition.ubj"])("%s", (name) => {
  const file = fixture(name);

  test("cut short anywhere, it is refused", () => {
    fc.assert(
      fc.property(fc.nat(file.length - 1), (length) => {
        expect(() => readXgboost(file.subarray(0, length))).toThrow(UnsupportedModelError);
      }),
      { numRuns: 200 },
    );
  });

  test("with bytes changed, it is read or refused, never a crash", () => {
    const change = fc.record({ at: fc.nat(file.length - 1), to: fc.nat(255) });
    fc.assert(
      fc.property(fc.array(change, { minLength: 1, maxLength: 4 }), (changes) => {
        const corrupt = Uint8Array.from(file);
        for (const { at, to } of changes) corrupt[at] = to;
        survives(corrupt);
      }),
      { numRuns: 150 },
    );
  });
});

test("any bytes are refused", () => {
  fc.assert(
    fc.property(fc.uint8Array(), (bytes) => {
      expect(() => readXgboost(bytes)).toThrow(UnsupportedModelError);
      expect(() => readXgboost(Uint8Array.of(123, 76, ...bytes))).toThrow(UnsupportedModelError);
    }),
  );
});

test.each([
  [
    "3.2.0/one-hot.json",
    /"num_feature":\s*"\d+"/g,
    '"num_feature":"4294967296"',
    "a model of 4294967296 features",
  ],
  ["3.2.0/dart.json", /"weight_drop":\s*\[[^\]]*\]/, '"weight_drop":[]', "and 0 weights for them"],
])("%s with %s changed is refused", (name, found, changed, message) => {
  const text = new TextDecoder().decode(fixture(name));
  expect(text).toMatch(found);
  const file = new TextEncoder().encode(text.replace(found, changed));
  expect(() => readXgboost(file)).toThrow(message);
});
