import { describe, expect, test } from "vitest";
import { EXAMPLE_STONE, type NumberColumn } from "../../../src/domain/diamond.ts";
import { findContradiction } from "../../../src/domain/measurements/find-contradiction.ts";
import { findContradictions } from "../../../src/domain/measurements/find-contradictions.ts";
import type { Measurements } from "../../../src/domain/measurements/relations.ts";
import { CSV_HEADER, CSV_ROWS } from "../../support/stones-csv.ts";

const STONE: Measurements = { ...EXAMPLE_STONE, depth: 61.8, table: 55, z: 4.1 };
const NAMES = CSV_HEADER.replaceAll('"', "").split(",");
const EMBEDDED = CSV_ROWS.map((row) => {
  const cells = row.split(",");
  return Object.fromEntries(NAMES.map((name, i) => [name, Number(cells[i])])) as Record<NumberColumn, number>;
}).filter(({ x, y, z }) => x > 0 && y > 0 && z > 0);

const multiply =
  (factor: number, ...names: NumberColumn[]) =>
  (stone: Measurements) => {
    const scaled = { ...stone };
    for (const name of names) scaled[name] = Number((scaled[name] * factor).toPrecision(6));
    return scaled;
  };
const exchange = (a: NumberColumn, b: NumberColumn) => (stone: Measurements) => ({
  ...stone,
  [a]: stone[b],
  [b]: stone[a],
});
const round =
  (decimals: number, ...names: NumberColumn[]) =>
  (stone: Measurements) => {
    const rounded = { ...stone };
    for (const name of names) rounded[name] = Number(rounded[name].toFixed(decimals));
    return rounded;
  };

/** Faults of all numbers of a column: name, change, columns that must be named, and the end of the message. */
const FAULTS: readonly [string, (stone: Measurements) => Measurements, string, string][] = [
  ["fractions", multiply(0.01, "depth", "table"), "depth,table", "fractions?"],
  ["depth as a fraction", multiply(0.01, "depth"), "depth", "a fraction?"],
  ["table as a fraction", multiply(0.01, "table"), "table", "a fraction?"],
  ["depth divided by ten", multiply(0.1, "depth"), "depth", "a tenth of it?"],
  ["depth in millimetres", (stone) => ({ ...stone, depth: stone.z }), "depth", "millimetres?"],
  [
    "table in millimetres",
    (stone) => ({ ...stone, table: (stone.table * stone.x) / 100 }),
    "table",
    "millimetres?",
  ],
  ["centimetres", multiply(0.1, "x", "y", "z"), "x,y,z", "centimetres?"],
  [
    "inches",
    (stone) => round(3, "x", "y", "z")(multiply(1 / 25.4, "x", "y", "z")(stone)),
    "x,y,z",
    "inches?",
  ],
  ["metres", multiply(0.001, "x", "y", "z"), "x,y,z", "metres?"],
  ["tenths of a millimetre", multiply(10, "x", "y", "z"), "x,y,z", "tenths of a millimetre?"],
  ["x and y in centimetres", multiply(0.1, "x", "y"), "x,y", "centimetres?"],
  ["grams", multiply(0.2, "carat"), "carat", "grams?"],
  ["points", multiply(100, "carat"), "carat", "points?"],
  ["milligrams", multiply(200, "carat"), "carat", "milligrams?"],
  [
    "grams and centimetres",
    (stone) => multiply(0.2, "carat")(multiply(0.1, "x", "y", "z")(stone)),
    "carat,x,y,z",
    "grams and centimetres?",
  ],
  ["a weight in kilograms", multiply(0.0002, "carat"), "carat", "1.11 carat"],
  ["x and z exchanged", exchange("x", "z"), "x,z", "exchanged?"],
  ["y and z exchanged", exchange("y", "z"), "y,z", "exchanged?"],
  ["carat and x exchanged", exchange("carat", "x"), "carat,x", "exchanged?"],
  ["carat and z exchanged", exchange("carat", "z"), "carat,z", "exchanged?"],
  ["carat and depth exchanged", exchange("carat", "depth"), "carat,depth", "exchanged?"],
  ["carat and table exchanged", exchange("carat", "table"), "carat,table", "exchanged?"],
  ["depth and x exchanged", exchange("depth", "x"), "depth,x", "exchanged?"],
  ["table and z exchanged", exchange("table", "z"), "table,z", "exchanged?"],
  [
    "columns that are shifted by one",
    ({ depth, table, x, y, z, carat }) => ({ carat, depth: table, table: x, x: y, y: z, z: depth }),
    "depth,table,x,y,z",
    "exchanged?",
  ],
];

describe("a stone with wrong units or columns", () => {
  test.each(FAULTS)("%s: the columns and the reason are named", (_, change, columns, end) => {
    const found = findContradiction(change({ ...STONE, y: 6.66 }));
    expect(found?.message).toMatch(new RegExp(`${end.replace("?", "\\?")}$`));
    expect(columns.split(",")).toEqual(expect.arrayContaining([...(found?.columns ?? ["none"])]));
  });

  test("the message has the numbers", () => {
    const message = (change: (stone: Measurements) => Measurements) =>
      findContradiction(change(STONE))?.message;
    expect(message(multiply(0.01, "depth"))).toBe("depth 0.618 %, but x, y and z give 61.8 %: a fraction?");
    expect(message(multiply(0.01, "table"))).toBe("table 0.55 %, but tables have 43 to 95 %: a fraction?");
    expect(message(multiply(0.1, "x", "y", "z"))).toBe(
      "x 0.661 mm, y 0.665 mm and z 0.41 mm are those of 0.00111 carat, but carat is 1.1: centimetres?",
    );
    expect(message(multiply(0.2, "carat"))).toBe(
      "carat 0.22, but x, y and z are those of 1.11 carat: grams?",
    );
    expect(message(exchange("x", "z"))).toBe(
      "x 4.1 mm and z 6.61 mm do not fit the other values, but x 6.61 mm and z 4.1 mm do: exchanged?",
    );
  });

  test.each(FAULTS)("almost all stones are found: %s", (_, change) => {
    const stones = EMBEDDED.filter((_, i) => i % 50 === 0).map(change);
    const missed = findContradictions(stones).filter((found) => found === null);
    expect(missed.length / stones.length).toBeLessThan(0.01);
  });

  test("a depth in the table is found in one stone only if it is no whole number", () => {
    expect(findContradiction({ ...STONE, depth: 55, table: 61.8 })?.columns).toEqual(["depth", "table"]);
    expect(findContradiction({ ...STONE, depth: 55, table: 62 })).toBeNull();
  });
});

describe("misprints", () => {
  test("of the embedded stones none is rejected", () => {
    expect(findContradictions(EMBEDDED).filter((found) => found !== null)).toEqual([]);
  });

  test.each([
    ["y with the value of the depth", { carat: 2, depth: 58.9, table: 57, x: 8.09, y: 58.9, z: 8.06 }],
    [
      "z with the decimal point in the wrong place",
      { carat: 0.51, depth: 61.8, table: 54.7, x: 5.12, y: 5.15, z: 31.8 },
    ],
    ["y with a misplaced value", { carat: 0.51, depth: 61.8, table: 55, x: 5.15, y: 31.8, z: 5.12 }],
    ["z with the value of the weight", { carat: 1.07, depth: 60.6, table: 57, x: 6.62, y: 6.67, z: 1.07 }],
    ["z with the value of x", { ...STONE, z: 6.61 }],
    ["a wrong digit of depth", { ...STONE, depth: 41.8 }],
    ["a lost digit of table", { ...STONE, table: 5 }],
    ["a wrong digit of the weight", { ...STONE, carat: 7.1 }],
    ["an oval that is described by its width", { carat: 1.5, depth: 62, table: 58, x: 8.9, y: 6.1, z: 3.78 }],
    ["an emerald cut", { carat: 2.5, depth: 68.1, table: 66, x: 9.2, y: 6.5, z: 4.43 }],
  ])("%s is accepted", (_, stone) => {
    const others = EMBEDDED.slice(0, 100);
    expect(findContradictions([...others, stone]).filter((found) => found !== null)).toEqual([]);
  });

  test("of single digits, or a decimal point, of x, y and z are accepted", () => {
    const sample = EMBEDDED.filter((_, i) => i % 100 === 0);
    for (const name of ["x", "y", "z"] as const) {
      for (const factor of [10, 0.1])
        expect(sample.map(multiply(factor, name)).map(findContradiction).filter(Boolean)).toEqual([]);
      for (let digit = 0; digit <= 9; digit++) {
        const changed = sample.map((stone) => ({
          ...stone,
          [name]: Number(`${digit}${String(stone[name]).slice(1)}`),
        }));
        const found = changed
          .filter((stone) => stone[name] > 0)
          .map(findContradiction)
          .filter(Boolean);
        expect(found.length / sample.length).toBeLessThan(0.005);
      }
    }
  });
});

describe("many stones with the same fault", () => {
  const sample = EMBEDDED.filter((_, i) => i % 100 === 0);
  const countFound = (stones: readonly Measurements[]) =>
    findContradictions(stones).filter((found) => found !== null).length;

  test.each([
    ["z in centimetres", multiply(0.1, "z"), "centimetres?"],
    ["x in inches", multiply(1 / 25.4, "x"), "inches?"],
    ["depth and table exchanged", exchange("depth", "table"), "exchanged?"],
  ])("%s: rejected if a fifth has it, and accepted if a few have it", (_, change, end) => {
    const whole = findContradictions(sample.map(change));
    expect(whole.filter((found) => found?.message.endsWith(end)).length / sample.length).toBeGreaterThan(
      0.98,
    );
    const third = sample.map((stone, i) => (i % 3 === 0 ? change(stone) : stone));
    const found = findContradictions(third).map((one) => one !== null);
    expect(found.filter((isFound, i) => isFound && i % 3 !== 0)).toEqual([]);
    expect(found.filter(Boolean).length).toBeGreaterThan(0.95 * (sample.length / 3) * 0.9);
    const single = change(round(0, "table")({ ...STONE, table: 62, depth: 56, z: 4.11 }));
    expect(countFound([...sample, single])).toBe(0);
  });
});
