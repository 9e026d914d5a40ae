import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CLARITIES, COLORS, CUTS, PricedStone } from "../../../src/domain/diamond.ts";
import { explainNumber } from "../../../training/csv/parse-number.ts";
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
  ["cut", "Excellent", "unknown cut"],
  ["cut", "EX", "unknown cut"],
  ["cut", "G", "unknown cut"],
  ["cut", "Ide\nal", "unknown cut"],
  ["cut", "NA", "missing value"],
  ["color", "F-G", "unknown color"],
  ["color", "K", "unknown color"],
  ["clarity", "FL", "unknown clarity"],
  ["clarity", " ", "missing value"],
] as const)("%s %j is rejected: %s", (column, value, reason) => {
  expect(cleanRow({ ...ROW, [column]: value })).toEqual({ reason, column });
});

test.each([
  ["cut", "very good", "Very Good"],
  ["cut", "Very good", "Very Good"],
  ["cut", "VERY_GOOD", "Very Good"],
  ["cut", "Very\u00a0 Good ", "Very Good"],
  ["cut", "V. Good", "Very Good"],
  ["cut", "vg", "Very Good"],
  ["cut", "ideal", "Ideal"],
  ["color", " e ", "E"],
  ["clarity", "VS 1", "VS1"],
  ["clarity", "vvs-2", "VVS2"],
  ["clarity", "Internally Flawless", "IF"],
  ["clarity", "Slightly Included 1", "SI1"],
] as const)("the %s %j is read as %s, by the API too", (column, text, grade) => {
  const cleaned = cleanRow({ ...ROW, [column]: text });
  expect(cleaned).toMatchObject({ stone: { [column]: grade } });
  const { stone } = cleanRow(ROW) as { stone: PricedStone };
  expect(PricedStone.parse({ ...stone, [column]: text })).toMatchObject({ [column]: grade });
});

/** Rows of a file with points, with decimal commas, without any decimals, and with three decimals everywhere. */
const COMMA_ROW: RawRow = { ...ROW, carat: "0,23", depth: "61,5", x: "3,95", y: "3,98", z: "2,43" };
const WHOLE_ROW: RawRow = { ...ROW, carat: "1", depth: "61", x: "6", y: "6", z: "4" };
const FIXED_ROW: RawRow = {
  ...{ ...ROW, carat: "0.230", depth: "61.500", table: "55.000" },
  ...{ x: "3.950", y: "3.980", z: "2.430" },
};

describe("numbers as people write them", () => {
  test.each([
    ["price", "$2,470", 2470],
    ["price", "$ 2,470.50", 2470.5],
    ["price", "US$2470", 2470],
    ["price", "USD 2470", 2470],
    ["price", "2470 usd", 2470],
    ["price", "2470 dollars", 2470],
    ["price", "1,234,567", 1_234_567],
    ["price", "2 470", 2470],
    ["price", "2\u00a0470", 2470],
    ["price", "2'470", 2470],
    ["price", "2.470", 2.47],
    ["depth", "63.0%", 63],
    ["table", "58 %", 58],
    ["carat", "1.10 ct", 1.1],
    ["carat", "1.10carats", 1.1],
    ["x", "4.1 mm", 4.1],
    ["y", "4.1mm", 4.1],
  ] as const)("%s %j is %d", (column, text, value) => {
    expect(cleanRow({ ...ROW, [column]: text })).toMatchObject({ stone: { [column]: value } });
  });

  test.each([
    ["price", "€951", "prices must be in US dollars"],
    ["price", "951 £", "prices must be in US dollars"],
    ["price", "EUR 951", "prices must be in US dollars"],
    ["price", "C$951", "prices must be in US dollars"],
    ["price", "$2.470", "thousands or of decimals"],
    ["price", "2,47", "a decimal comma is read only in"],
    ["price", "1,23,456", null],
    ["price", "2k", null],
    ["price", "1 2345", null],
    ["x", "6,61", "a decimal comma is read only in"],
    ["x", "0.4 cm", null],
    ["carat", "0.2 g", null],
    ["depth", "63 mm", null],
    ["carat", "1".repeat(101), "a number has at most 100 characters"],
  ] as const)("%s %j is not a number", (column, text, hint) => {
    expect(cleanRow({ ...ROW, [column]: text })).toEqual({ reason: "not a number", column });
    const explanation = explainNumber(column, text, { allowsDecimalComma: false });
    expect(explanation).toEqual(hint && expect.stringContaining(hint));
  });

  test.each([
    ["decimal commas", COMMA_ROW, "951", 951],
    ["decimal commas", COMMA_ROW, "951,5", 951.5],
    ["decimal commas", COMMA_ROW, "2.470", 2470],
    ["decimal commas", COMMA_ROW, "2.470,00 $", 2470],
    ["decimal commas", COMMA_ROW, "2,470.50", 2470.5],
    ["decimal commas", COMMA_ROW, "2,470", null],
    ["decimal points", ROW, "2,470", 2470],
    ["decimal points", ROW, "2470.5", 2470.5],
    ["decimal points", ROW, "2.470", null],
    ["three decimals", FIXED_ROW, "2.470", 2.47],
    ["no decimals", WHOLE_ROW, "2.470", null],
    ["no decimals", WHOLE_ROW, "2,470", null],
    ["no decimals", WHOLE_ROW, "2470", 2470],
  ] as const)("where the comma separates no columns, in a row with %s, %s", (_, row, price, value) => {
    const cleaned = cleanRow({ ...row, price }, { allowsDecimalComma: true });
    if (value === null) expect(cleaned).toEqual({ reason: "not a number", column: "price" });
    else expect(cleaned).toMatchObject({ stone: { price: value } });
  });

  test("a measurement with a decimal comma is read if the comma separates no columns", () => {
    const format = { allowsDecimalComma: true };
    expect(cleanRow(COMMA_ROW, format)).toEqual(cleanRow(ROW));
    expect(cleanRow({ ...COMMA_ROW, x: "1.234,5" }, format)).toEqual({ reason: "not a number", column: "x" });
  });
});

test("values are rounded, after their range is checked", () => {
  const float32 = Object.fromEntries(
    Object.entries(ROW).map(([column, text]) => [
      column,
      Number.isNaN(Number(text)) ? text : String(Math.fround(Number(text))),
    ]),
  );
  expect(float32.x).toBe("3.950000047683716");
  expect(cleanRow(float32)).toEqual(cleanRow(ROW));
  expect(cleanRow({ ...ROW, depth: "0.001" })).toMatchObject({ stone: { depth: 0.001 } });
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
