import { parse } from "csv-parse/sync";
import { stringify } from "csv-stringify/sync";
import fc from "fast-check";
import { expect, test } from "vitest";
import { toCsvLine } from "../../src/lib/csv.ts";

/** Lists of values with the characters that CSV and spreadsheets treat in a special way. */
function arbitraryValues(lineBreaks: string) {
  const characters = `=+-@\t",;'a1 é💎\u0000\uFF1D\uFF0B\uFF0D\uFF20${lineBreaks}`;
  const text = fc.string({ unit: fc.constantFrom(...characters), maxLength: 6 });
  const number = fc.double({ noNaN: true, noDefaultInfinity: true });
  return fc.array(fc.oneof(text, number, fc.constant(null)), { minLength: 1, maxLength: 5 });
}

// csv-stringify does not quote a single CR or LF when its lines end in CRLF, so there are none in this test.
test("a line is the one that csv-stringify writes with escape_formulas", () => {
  fc.assert(
    fc.property(arbitraryValues(""), (values) => {
      const expected = stringify([values], { escape_formulas: true, record_delimiter: "\r\n" });
      expect(toCsvLine(values)).toBe(expected);
    }),
    { numRuns: 1000 },
  );
});

test("csv-parse reads the values of a line, some of them with an apostrophe", () => {
  fc.assert(
    fc.property(arbitraryValues("\r\n"), (values) => {
      const [fields] = parse(toCsvLine(values), { record_delimiter: "\r\n" });
      expect(fields).toHaveLength(values.length);
      for (const [i, value] of values.entries())
        expect([String(value ?? ""), `'${value}`]).toContain(fields?.[i]);
    }),
    { numRuns: 1000 },
  );
});
