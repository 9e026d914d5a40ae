import { DatabaseSync } from "node:sqlite";
import fc from "fast-check";
import { expect, test } from "vitest";
import { toChunks, toSqlLiteral } from "../../cloudflare/d1-sql.ts";

test("whatever the text, SQLite reads back what was written", () => {
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

test("no literal holds a character that could end a statement", () => {
  expect(toSqlLiteral(`it's; "new" -- stones.csv`)).toMatch(/^CAST\(X'[0-9a-f]+' AS TEXT\)$/);
});

test("what a database cannot hold is refused", () => {
  expect(() => toSqlLiteral(Number.NaN)).toThrow("no place in a database");
  expect(() => toSqlLiteral({})).toThrow("no literal for object");
});

test("chunks stay below the limit and lose nothing", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 20 })), fc.integer({ min: 30, max: 200 }), (texts, limit) => {
      const chunks = toChunks(texts, limit);
      expect(chunks.flat()).toEqual(texts);
      for (const some of chunks) expect(some.join(",\n").length).toBeLessThanOrEqual(limit);
    }),
  );
});
