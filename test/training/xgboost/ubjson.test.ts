import { describe, expect, test } from "vitest";
import { parseUbjson } from "../../../training/xgboost/ubjson.ts";

/** Joins characters and numbers to bytes. */
function toBytes(...parts: readonly (string | number | readonly number[])[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => (typeof part === "string" ? [...part].map((c) => c.charCodeAt(0)) : part)),
  );
}

// The expected values follow the specification at ubjson.org, draft 12.
test.each([
  ["null", toBytes("Z"), null],
  ["true", toBytes("T"), true],
  ["false", toBytes("F"), false],
  ["int8", toBytes("i", 0xff), -1],
  ["uint8", toBytes("U", 0xff), 255],
  ["int16", toBytes("I", 0x80, 0), -32768],
  ["int32", toBytes("l", 0, 1, 0, 0), 65536],
  ["int64", toBytes("L", 0, 0, 0, 1, 0, 0, 0, 0), 2 ** 32],
  ["float32", toBytes("d", 0x3f, 0xc0, 0, 0), 1.5],
  ["float64", toBytes("D", 0xbf, 0xf8, 0, 0, 0, 0, 0, 0), -1.5],
  ["a character", toBytes("Ca"), "a"],
  ["a string in UTF-8", toBytes("SU", 3, 0xe2, 0x82, 0xac), "€"],
  ["a list", toBytes("[i", 1, "[]{}]"), [1, [], {}]],
  ["a list with a count", toBytes("[#i", 2, "ZT"), [null, true]],
  ["a list with a type", toBytes("[$I#i", 2, 0, 1, 1, 0), [1, 256]],
  ["an object", toBytes("{i", 1, "aTi", 1, "bF}"), { a: true, b: false }],
  ["an object with a count", toBytes("{#i", 1, "i", 1, "aT"), { a: true }],
  ["an object with a type", toBytes("{$U#i", 1, "i", 1, "a", 7), { a: 7 }],
])("reads %s", (_, file, value) => {
  expect(parseUbjson(file)).toEqual(value);
});

describe("parseUbjson rejects", () => {
  test.each([
    ["an unknown marker", toBytes("?"), 'the UBJ file has an unknown marker "?" (byte 1 of 1)'],
    ["truncated bytes", toBytes("[i"), "the UBJ file is truncated (byte 2 of 2)"],
    ["bytes after the end", toBytes("ZZ"), "the UBJ file has extra bytes after the model (byte 1 of 2)"],
    [
      "a count larger than the file",
      toBytes("[$d#l", 0x7f, 0xff, 0xff, 0xff),
      "the UBJ file is truncated (byte 9 of 9)",
    ],
    [
      "a count of empty values larger than the file",
      toBytes("[$Z#l", 0x7f, 0xff, 0xff, 0xff),
      "the UBJ file is truncated (byte 9 of 9)",
    ],
    [
      "a negative count",
      toBytes("[#i", 0xff),
      "the UBJ file has a count that is not a non-negative integer (byte 4 of 4)",
    ],
    [
      "a type without a count",
      toBytes("[$d]"),
      "the UBJ file has a typed array without a count (byte 3 of 4)",
    ],
    [
      "a string that is not UTF-8",
      toBytes("Si", 1, 0xff),
      "the UBJ file has a string that is not UTF-8 (byte 4 of 4)",
    ],
    ["200 nested lists", toBytes("[".repeat(200)), "the UBJ file is nested too deeply (byte 102 of 200)"],
  ])("%s", (_, file, message) => {
    expect(() => parseUbjson(file)).toThrow(message);
  });
});
