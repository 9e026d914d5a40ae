import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CLARITIES,
  COLORS,
  CUTS,
  listMissingMeasurements,
  MEASUREMENTS,
  NUMBER_COLUMNS,
  PricedStone,
  STONE_COLUMNS,
  Stone,
} from "../../src/domain/diamond.ts";

const size = fc.double({ min: 0, minExcluded: true, max: 100, noNaN: true });
const stone = fc.record(
  {
    carat: size,
    cut: fc.constantFrom(...CUTS),
    color: fc.constantFrom(...COLORS),
    clarity: fc.constantFrom(...CLARITIES),
    depth: size,
    table: size,
    x: size,
    y: size,
    z: size,
  },
  { requiredKeys: ["carat", "cut", "color", "clarity"] },
);

describe("Stone", () => {
  it("accepts every valid stone unchanged", () => {
    fc.assert(
      fc.property(stone, (value) => {
        expect(Stone.parse(value)).toEqual(value);
        expect(listMissingMeasurements(value)).toEqual(MEASUREMENTS.filter((name) => !(name in value)));
      }),
    );
  });

  it("reports exactly the wrong field", () => {
    const wrongNumber = fc.oneof(
      fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, null, true, "1", [], {}, 1n),
      fc.double({ max: 0, noNaN: true }),
      fc.double({ min: 100, minExcluded: true, noNaN: true }),
      fc.string(),
    );
    fc.assert(
      fc.property(stone, fc.constantFrom(...NUMBER_COLUMNS), wrongNumber, (value, column, wrong) => {
        const issues = Stone.safeParse({ ...value, [column]: wrong }).error?.issues ?? [];
        expect(issues.map(({ path }) => path)).toEqual([[column]]);
        expect(issues[0]?.message).toMatch(new RegExp(`^${column} must be a number above 0`));
      }),
    );
    fc.assert(
      fc.property(stone, fc.constantFrom("cut", "color", "clarity"), fc.string(), (value, column, wrong) => {
        fc.pre(![...CUTS, ...COLORS, ...CLARITIES].some((grade) => grade === wrong));
        const issues = Stone.safeParse({ ...value, [column]: wrong }).error?.issues ?? [];
        expect(issues.map(({ path, message }) => [path, message.split(" ", 5).join(" ")])).toEqual([
          [[column], `${column} must be one of`],
        ]);
      }),
    );
  });

  it("reports a missing required field", () => {
    fc.assert(
      fc.property(stone, fc.constantFrom("carat", "cut", "color", "clarity"), (value, column) => {
        const issues = Stone.safeParse({ ...value, [column]: undefined }).error?.issues ?? [];
        expect(issues.map(({ message }) => message)).toEqual([`${column} is required`]);
      }),
    );
  });

  it("rejects unknown keys with a list of the known ones", () => {
    fc.assert(
      fc.property(stone, fc.string(), fc.anything(), (value, key, anything) => {
        fc.pre(!STONE_COLUMNS.some((column) => column === key) && key !== "__proto__");
        const [issue] = Stone.safeParse({ ...value, [key]: anything }).error?.issues ?? [];
        expect(issue).toMatchObject({ code: "unrecognized_keys", keys: [key] });
        expect(issue?.message).toBe("the known fields are carat, cut, color, clarity, depth, table, x, y, z");
      }),
    );
  });

  it("rejects every other value without throwing", () => {
    fc.assert(
      fc.property(fc.anything({ withNullPrototype: true, withBigInt: true }), (value) => {
        expect(Stone.safeParse(value).success).toBe(false);
      }),
    );
  });
});

describe("PricedStone", () => {
  it("requires every field", () => {
    const issues = PricedStone.safeParse({}).error?.issues ?? [];
    expect(issues.map(({ message }) => message)).toEqual(
      [...STONE_COLUMNS, "price"].map((column) => `${column} is required`),
    );
  });
});
