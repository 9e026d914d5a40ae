import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  CLARITIES,
  COLORS,
  CUTS,
  EXAMPLE_STONE,
  GRADE_COLUMNS,
  GRADES,
  listMissingMeasurements,
  MEASUREMENTS,
  NUMBER_COLUMNS,
  PricedStone,
  SAMPLE_STONE,
  STONE_COLUMNS,
  Stone,
} from "../../src/domain/diamond.ts";
import { findChoice } from "../../src/lib/input/choices.ts";

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

/** What the API's answers, data frames and CSV files add to a stone. */
const OWN_FIELDS: Record<string, unknown> = {
  id: "9f2c4b1e8a90d3f7",
  price: 4677,
  weightDifference: 0.01,
  currency: "USD",
  model: { name: "log-linear", version: 1 },
  imputed: [],
  warnings: [],
  index: 0,
  "Unnamed: 0": 1,
  rownames: "1",
  "": 1,
};

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
      fc.constantFrom(0, -0, Number.NaN, Number.POSITIVE_INFINITY, true, "1", [], {}, 1n),
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
      fc.property(stone, fc.constantFrom(...GRADE_COLUMNS), fc.string(), (value, column, wrong) => {
        fc.pre(findChoice(GRADES[column], wrong) === undefined);
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

  it("reads null as a measurement that was left out, but not as a required field", () => {
    fc.assert(
      fc.property(stone, fc.constantFrom(...MEASUREMENTS), (value, column) => {
        const { [column]: _, ...rest } = value;
        expect(Stone.parse({ ...value, [column]: null })).toEqual(rest);
      }),
    );
    const issues = Stone.safeParse({ ...SAMPLE_STONE, carat: null, cut: null }).error?.issues ?? [];
    expect(issues.map(({ message }) => message)).toEqual([
      expect.stringMatching(/^carat must be a number .*; it is null$/),
      expect.stringMatching(/^cut must be one of .*; it is null$/),
    ]);
  });

  it.each([
    ["cut", "Very Good", ["very good", "VERY GOOD", "VeryGood", "very-good", "very_good", "  Very  Good "]],
    ["cut", "Ideal", ["ideal", "IDEAL", "Ideal ", "\tideal", "Ｉｄｅａｌ"]],
    ["color", "D", ["d", " D"]],
    ["clarity", "VVS1", ["vvs1", "VVS 1", "VVS-1", "vvs_1", "Vvs1"]],
    ["clarity", "IF", ["if", "I.F."]],
  ])("reads the %s %s in any spelling", (column, grade, spellings) => {
    for (const spelling of spellings)
      expect(Stone.parse({ ...SAMPLE_STONE, [column]: spelling }), spelling).toEqual({
        ...SAMPLE_STONE,
        [column]: grade,
      });
  });

  it.each([
    ["cut", "idael", "Ideal"],
    ["cut", "Premiun", "Premium"],
    ["cut", "verygud", "Very Good"],
    ["color", "K", "J"],
    ["color", "C", "D"],
    ["clarity", "SI3", "SI2"],
    ["clarity", "I3", "I1"],
  ])("names the choice that is nearest to the %s %s", (column, wrong, nearest) => {
    const [issue] = Stone.safeParse({ ...SAMPLE_STONE, [column]: wrong }).error?.issues ?? [];
    expect(issue?.message).toMatch(new RegExp(`; it is the text "${wrong}": did you mean ${nearest}\\?$`));
  });

  it("rejects unknown keys with the nearest known one, or with all of them", () => {
    const suggestion =
      /^did you mean \w+\?$|^the known fields are carat, cut, color, clarity, depth, table, x, y, z$/;
    fc.assert(
      fc.property(stone, fc.string({ minLength: 1 }), fc.anything(), (value, key, anything) => {
        fc.pre(
          !(key in OWN_FIELDS) && !STONE_COLUMNS.some((column) => column === key) && key !== "__proto__",
        );
        const [issue] = Stone.safeParse({ ...value, [key]: anything }).error?.issues ?? [];
        expect(issue).toMatchObject({ code: "unrecognized_keys", keys: [key] });
        expect(issue?.message).toMatch(suggestion);
      }),
    );
    const [issue] = Stone.safeParse({ ...SAMPLE_STONE, karat: 1, Depht: 2, weight: 3 }).error?.issues ?? [];
    expect(issue?.message.split("\n")).toEqual([
      "did you mean carat?",
      "did you mean depth?",
      "the known fields are carat, cut, color, clarity, depth, table, x, y, z",
    ]);
  });

  it("ignores what the API's answers and index columns add to a stone", () => {
    fc.assert(
      fc.property(stone, fc.subarray(Object.keys(OWN_FIELDS)), (value, names) => {
        const added = Object.fromEntries(names.map((name) => [name, OWN_FIELDS[name]]));
        expect(Stone.parse({ ...added, ...value })).toEqual(value);
      }),
    );
    expect(Stone.safeParse({ diamonds: [] }).success).toBe(false);
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
  it("ignores what `similar` adds to a stone, but not the price", () => {
    const row = { ...EXAMPLE_STONE, price: 4677 };
    expect(PricedStone.parse({ ...row, id: "9f2c4b1e8a90d3f7", weightDifference: 0, index: 3 })).toEqual(row);
    expect(PricedStone.safeParse({ ...row, currency: "EUR" }).success).toBe(false);
  });

  it("requires every field", () => {
    const issues = PricedStone.safeParse({}).error?.issues ?? [];
    expect(issues.map(({ message }) => message)).toEqual(
      [...STONE_COLUMNS, "price"].map((column) => `${column} is required`),
    );
  });
});
