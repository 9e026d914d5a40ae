import { describe, expect, test } from "vitest";
import { parseUbjson } from "../../../training/xgboost/ubjson.ts";

/** Bytes from characters and numbers. */
function bytes(...parts: readonly (string | number | readonly number[])[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => (typeof part === "string" ? [...part].map((c) => c.charCodeAt(0)) : part)),
  );
}

// Expected values by the specification at ubjson.org, draft 12.
test.each([
  ["null", bytes("Z"), null],
  ["true", bytes("T"), true],
  ["false", bytes("F"), false],
  ["int8", bytes("i", 0xff), -1],
  ["uint8", bytes("U", 0xff), 255],
  ["int16", bytes("I", 0x80, 0), -32768],
  ["int32", bytes("l", 0, 1, 0, 0), 65536],
  ["int64", bytes("L", 0, 0, 0, 1, 0, 0, 0, 0), 2 ** 32],
  ["float32", bytes("d", 0x3f, 0xc0, 0, 0), 1.5],
  ["float64", bytes("D", 0xbf, 0xf8, 0, 0, 0, 0, 0, 0), -1.5],
  ["a character", bytes("Ca"), "a"],
  ["a text in UTF-8", bytes("SU", 3, 0xe2, 0x82, 0xac), "€"],
  ["a list", bytes("[i", 1, "[]{}]"), [1, [], {}]],
  ["a list of a count", bytes("[#i", 2, "ZT"), [null, true]],
  ["a list of a type", bytes("[$I#i", 2, 0, 1, 1, 0), [1, 256]],
  ["an object", bytes("{i", 1, "aTi", 1, "bF}"), { a: true, b: false }],
  ["an object of a count", bytes("{#i", 1, "i", 1, "aT"), { a: true }],
  ["an object of a type", bytes("{$U#i", 1, "i", 1, "a", 7), { a: 7 }],
])("reads %s", (_, file, value) => {
  expect(parseUbjson(file)).toEqual(value);
});

describe("refuses", () => {
  test.each([
    ["an unknown marker", bytes("?"), 'the UBJ file has an unknown marker "?" (byte 1 of 1)'],
    ["bytes that end early", bytes("[i"), "the UBJ file ends early (byte 2 of 2)"],
    ["bytes after the end", bytes("ZZ"), "the UBJ file has more bytes than its model (byte 1 of 2)"],
    [
      "a count beyond the file",
      bytes("[$d#l", 0x7f, 0xff, 0xff, 0xff),
      "the UBJ file ends early (byte 9 of 9)",
    ],
    [
      "a count of empty values beyond the file",
      bytes("[$Z#l", 0x7f, 0xff, 0xff, 0xff),
      "the UBJ file ends early (byte 9 of 9)",
    ],
    [
      "a count below zero",
      bytes("[#i", 0xff),
      "the UBJ file has a count that is not a whole number (byte 4 of 4)",
    ],
    ["a type without a count", bytes("[$d]"), "the UBJ file has a typed array without a count (byte 3 of 4)"],
    [
      "text that is not UTF-8",
      bytes("Si", 1, 0xff),
      "the UBJ file has a text that is not UTF-8 (byte 4 of 4)",
    ],
    ["lists in lists without end", bytes("[".repeat(200)), "the UBJ file nests too deep (byte 102 of 200)"],
  ])("%s", (_, file, message) => {
    expect(() => parseUbjson(file)).toThrow(message);
  });
});
