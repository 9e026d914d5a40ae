import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { expect, test } from "vitest";
import { groupBySize, toSqlLiteral } from "../../cloudflare/d1-sql.ts";

test("SQLite reads every literal as the value that was written", () => {
  const database = new DatabaseSync(":memory:");
  const text = fc.string({ unit: "binary" }).filter((value) => value.isWellFormed() && !value.includes("\0"));
  fc.assert(
    fc.property(
      fc.oneof(text, fc.double({ noNaN: true, noDefaultInfinity: true }), fc.constant(null)),
      (value) => {
        const row = database.prepare(`SELECT ${toSqlLiteral(value)} AS value`).get();
        expect(row?.value).toEqual(Object.is(value, -0) ? 0 : value);
      },
    ),
  );
});

test("a literal contains no character that could end a statement", () => {
  expect(toSqlLiteral(`it's; "new" -- stones.csv`)).toMatch(/^CAST\(X'[0-9a-f]+' AS TEXT\)$/);
});

test("toSqlLiteral throws for values that a database cannot store", () => {
  expect(() => toSqlLiteral(Number.NaN)).toThrow("a database cannot store NaN");
  expect(() => toSqlLiteral({})).toThrow("no SQL literal for a value of type object");
});

test("groups stay below the limit and contain every text in its order", () => {
  fc.assert(
    fc.property(
      fc.array(fc.string({ maxLength: 20 })),
      fc.integer({ min: 30, max: 200 }),
      (texts, maxLength) => {
        const groups = groupBySize(texts, maxLength);
        expect(groups.flat()).toEqual(texts);
        for (const group of groups) expect(group.join(",\n").length).toBeLessThanOrEqual(maxLength);
      },
    ),
  );
});
