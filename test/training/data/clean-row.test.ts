import fc from "fast-check";
import { expect, test } from "vitest";
import { CLARITIES, COLORS, CUTS, PricedStone } from "../../../src/domain/diamond.ts";
import { cleanRow, type RawRow } from "../../../training/data/clean-row.ts";

const ROW: RawRow = {
  carat: "0.23",
  cut: "Ideal",
  color: "E",
  clarity: "SI2",
  depth: "61.5",
  table: "55",
  price: "326",
  x: "3.95",
  y: "3.98",
  z: "2.43",
};

test("a valid row becomes a stone", () => {
  expect(cleanRow(ROW)).toEqual({
    stone: {
      carat: 0.23,
      cut: "Ideal",
      color: "E",
      clarity: "SI2",
      depth: 61.5,
      table: 55,
      price: 326,
      x: 3.95,
      y: 3.98,
      z: 2.43,
    },
  });
});

test.each([
  ["price", "0", "price not above 0"],
  ["price", "-3", "price not above 0"],
  ["price", "1e400", "out of range"],
  ["price", "1e-46", "out of range"],
  ["x", "0", "zero dimension"],
  ["y", "0.0", "zero dimension"],
  ["z", "0", "zero dimension"],
  ["carat", "0", "out of range"],
  ["carat", "-1", "out of range"],
  ["carat", "1e-46", "out of range"],
  ["x", "0.0009", "out of range"],
  ["depth", "1e400", "out of range"],
  ["table", "", "missing value"],
  ["table", "NaN", "missing value"],
  ["carat", "NA", "missing value"],
  ["carat", "one", "not a number"],
  ["carat", "0x10", "not a number"],
  ["carat", "1,5", "not a number"],
  ["price", "=1+1", "not a number"],
  ["price", "Infinity", "not a number"],
  ["cut", "Ruby", "unknown cut"],
  ["cut", "ideal", "unknown cut"],
  ["color", "K", "unknown color"],
  ["clarity", "FL", "unknown clarity"],
  ["clarity", " ", "missing value"],
] as const)("%s %j is rejected: %s", (column, value, reason) => {
  expect(cleanRow({ ...ROW, [column]: value })).toEqual({ reason, column });
});

test("a row with any text becomes a valid stone or has a rejection reason", () => {
  const cell = fc.oneof(
    fc.string(),
    fc.double().map(String),
    fc.constantFrom(...CUTS, ...COLORS, ...CLARITIES),
  );
  const row = fc.record(Object.fromEntries(Object.keys(ROW).map((column) => [column, cell])));
  fc.assert(
    fc.property(row, fc.subarray(Object.keys(ROW)), (random, kept) => {
      const mixed = { ...random, ...Object.fromEntries(kept.map((key) => [key, ROW[key as keyof RawRow]])) };
      const cleaned = cleanRow(mixed);
      if ("stone" in cleaned) PricedStone.parse(cleaned.stone);
      else expect(cleaned.reason).not.toBe("");
    }),
    { numRuns: 1000 },
  );
});
