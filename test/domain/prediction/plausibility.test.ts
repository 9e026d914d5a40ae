import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CUTS,
  EXAMPLE_STONE,
  NUMBER_COLUMNS,
  type NumberColumn,
  type Stone,
} from "../../../src/domain/diamond.ts";
import {
  findImplausibleValues,
  type Plausibility,
  toPlausibility,
} from "../../../src/domain/prediction/plausibility.ts";

const STONE: Stone = EXAMPLE_STONE;

const byCut = (usual: [number, number], limits: [number, number]) =>
  Object.fromEntries(CUTS.map((cut) => [cut, { usual, limits }]));
const column = (low: number, high: number): Plausibility["columns"][string] => ({
  usual: [low, high],
  limits: [low, high],
});
/** About what the stones of the embedded dataset show. */
const PLAUSIBILITY: Plausibility = {
  columns: {
    carat: column(0.2, 5.01),
    depth: column(54, 70),
    table: column(49, 72),
    x: column(3.7, 10.7),
    y: column(3.7, 12),
    z: column(1.7, 7.5),
  },
  relations: {
    "x by carat": byCut([6.35, 6.55], [6.2, 6.75]),
    "y by carat": byCut([6.36, 6.56], [6.2, 6.75]),
    "z by carat": byCut([3.94, 4.03], [3.7, 4.15]),
    "volume by carat": byCut([160, 168], [152, 175]),
    "x by y": byCut([0.99, 1.014], [0.98, 1.03]),
    "depth by size": byCut([-0.1, 0.1], [-0.5, 0.5]),
  },
};

const warn = (changes: Partial<Stone>) => findImplausibleValues(PLAUSIBILITY, { ...STONE, ...changes });
const fieldsOf = (changes: Partial<Stone>) => warn(changes).map(({ fields }) => fields.join(" "));

describe("findImplausibleValues", () => {
  it("has nothing to say about a stone that fits together, complete or not", () => {
    fc.assert(
      fc.property(fc.subarray([...NUMBER_COLUMNS].slice(1)), (missing) => {
        expect(warn(Object.fromEntries(missing.map((name) => [name, undefined])))).toEqual([]);
      }),
    );
  });

  it("tells a stone of half the volume what its sizes should be", () => {
    expect(warn({ x: 3.8, y: 3.8, z: 2.4 })).toEqual([
      {
        code: "weight-against-size",
        message: "x 3.8 mm is 42 % less than stones of 1.1 carat have (6.6 to 6.8): check the measurements",
        fields: ["carat", "x"],
      },
      {
        code: "weight-against-size",
        message: "y 3.8 mm is 42 % less than stones of 1.1 carat have (6.6 to 6.8): check the measurements",
        fields: ["carat", "y"],
      },
      {
        code: "weight-against-size",
        message: "z 2.4 mm is 41 % less than stones of 1.1 carat have (4.1 to 4.2): check the measurements",
        fields: ["carat", "z"],
      },
    ]);
  });

  it("names only the wrong value, with any others given", () => {
    expect(warn({ y: 40 })).toEqual([
      {
        code: "weight-against-size",
        message: "y 40 mm is 5.9 times what stones of 1.1 carat have (6.6 to 6.8): check the measurements",
        fields: ["carat", "y"],
      },
    ]);
    expect(fieldsOf({ x: 13.22 })).toEqual(["carat x"]);
    expect(fieldsOf({ z: 41.1 })).toEqual(["carat z"]);
    expect(fieldsOf({ z: 41.1, x: undefined, y: undefined, depth: undefined })).toEqual(["carat z"]);
  });

  it("names each size if the weight is wrong", () => {
    expect(fieldsOf({ carat: 2.2 })).toEqual(["carat x", "carat y", "carat z"]);
    expect(fieldsOf({ carat: 11 })).toEqual(["carat x", "carat y", "carat z", "carat"]);
  });

  it("compares the depth with x, y and z", () => {
    expect(warn({ depth: 52 })).toEqual([
      {
        code: "depth-against-size",
        message: "depth 52 % is 16 % less than x, y and z give (61.9 to 62.1): check the measurements",
        fields: ["depth", "x", "y", "z"],
      },
    ]);
    expect(warn({ depth: 61.6 })).toEqual([]);
  });

  it("compares length with width, and volume with weight, where each size alone is possible", () => {
    expect(warn({ x: 6.9, y: 6.45 })).toEqual([
      {
        code: "length-against-width",
        message:
          "x 6.9 mm is 5.5 % more than stones with y 6.45 mm have (6.39 to 6.54): check the measurements",
        fields: ["x", "y"],
      },
    ]);
    expect(warn({ x: 6.9, y: 6.9, z: 4.2, depth: 60.9 })).toEqual([
      {
        code: "weight-against-volume",
        message:
          "the volume x y z, 200 mm³, is 8.2 % more than stones of 1.1 carat have (176 to 185): check the measurements",
        fields: ["carat", "x", "y", "z"],
      },
    ]);
  });

  it("warns about values that no training stone is near", () => {
    expect(warn({ depth: 4.11, z: 62 }).map(({ code, fields }) => [code, fields])).toEqual([
      ["weight-against-size", ["carat", "z"]],
      ["outside-training-range", ["depth"]],
    ]);
    const [warning] = findImplausibleValues(PLAUSIBILITY, { ...STONE, table: 90 });
    expect(warning).toEqual({
      code: "outside-training-range",
      message:
        "table 90 % is outside the range that the model was trained on (49 to 72), 25 % above its upper end: the price is an extrapolation",
      fields: ["table"],
    });
  });

  it("compares a version without limits with the ranges of its columns alone", () => {
    const plausibility = toPlausibility({ carat: [0.2, 5.01], y: [3.68, 58.9] });
    expect(findImplausibleValues(plausibility, { ...STONE, y: 40 })).toEqual([]);
    expect(findImplausibleValues(plausibility, { ...STONE, carat: 20 })).toMatchObject([
      { message: expect.stringContaining("(0.2 to 5.01), 4 times its upper end") },
    ]);
  });

  it("never fails, and names only fields that the stone has", () => {
    const number = fc.double({ min: 1e-9, max: 100, noNaN: true, minExcluded: true });
    const stone = fc.record(
      {
        carat: number,
        cut: fc.constantFrom(...CUTS),
        color: fc.constant("H" as const),
        clarity: fc.constant("SI2" as const),
        ...Object.fromEntries([...NUMBER_COLUMNS].slice(1).map((name) => [name, number])),
      },
      { requiredKeys: ["carat", "cut", "color", "clarity"] },
    ) as fc.Arbitrary<Stone>;
    fc.assert(
      fc.property(stone, (value) => {
        const warnings = findImplausibleValues(PLAUSIBILITY, value);
        for (const { message, fields } of warnings) {
          expect(message).not.toMatch(/NaN|undefined|Infinity/);
          for (const field of fields) expect(value[field as NumberColumn]).toBeDefined();
        }
        const own = warnings.flatMap(({ fields }) => fields.filter((field) => field !== "carat"));
        expect(new Set(own).size).toBe(own.length);
      }),
    );
  });
});
