import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { readText } from "../../../training/csv/read-text.ts";
import { readSources } from "../../../training/data/read-sources.ts";
import { findSources } from "../../../training/data/source.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";

const HEADER = "carat,cut,color,clarity,depth,table,price,x,y,z";
const ROW = "0.23,Ideal,E,SI2,61.5,55,326,3.95,3.98,2.43";
const FILE = `${HEADER}\n${ROW}\n${ROW}\n`;
const STONE = {
  ...{ carat: 0.23, cut: "Ideal", color: "E", clarity: "SI2" },
  ...{ depth: 61.5, table: 55, price: 326, x: 3.95, y: 3.98, z: 2.43 },
};
const folder = createScratchFolder();
afterAll(() => folder.remove());

async function read(content: string | Uint8Array, name = "stones.csv") {
  const path = join(folder.path, name);
  writeFileSync(path, content);
  const [source] = await readSources(await findSources([path]));
  if (source === undefined) throw new Error("no source");
  return source;
}

const replaceAll = (delimiter: string, point = ".") =>
  FILE.replaceAll(",", "\0").replaceAll(".", point).replaceAll("\0", delimiter);
const toUtf16 = (text: string) => Buffer.from(text, "utf16le");

describe("a file is read", () => {
  test.each<[string, string | Uint8Array]>([
    ["with semicolons", replaceAll(";")],
    ["with semicolons and decimal commas", replaceAll(";", ",")],
    ["with tabs and decimal commas", replaceAll("\t", ",")],
    ["with vertical bars", replaceAll("|")],
    ["with quotes around every cell", FILE.replaceAll(/[^,\n]+/g, '"$&"')],
    ["with the delimiter in Excel's first line", `sep=;\r\n${replaceAll(";", ",").replaceAll("\n", "\r\n")}`],
    ["with CR at the end of lines", FILE.replaceAll("\n", "\r")],
    ["with CRLF after the header and LF after that", FILE.replace("\n", "\r\n")],
    ["after blank lines", `\n \n${FILE}`],
    ["without a line end", FILE.trimEnd()],
    ["in UTF-8 with a byte order mark", `\ufeff${FILE}`],
    ["in UTF-16 LE with a byte order mark", toUtf16(`\ufeff${FILE}`)],
    ["in UTF-16 BE with a byte order mark", toUtf16(`\ufeff${FILE}`).swap16()],
    ["in UTF-16 without a byte order mark", toUtf16(FILE)],
    ["in gzip", gzipSync(FILE)],
    ["in gzip of UTF-16", gzipSync(toUtf16(`\ufeff${FILE}`))],
    ["in gzip of two members", Buffer.concat([gzipSync(`${HEADER}\n${ROW}\n`), gzipSync(`${ROW}\n`)])],
    ["with R's row names", FILE.replaceAll("\n0", "\n1,0")],
    [
      "as R's write.table writes it",
      FILE.replaceAll(/[A-Za-z]\w*/g, '"$&"')
        .replaceAll("\n0", '\n"12" 0')
        .replaceAll(",", " "),
    ],
    ["with an index column", FILE.replaceAll(/^/gm, "7,").replace("7,c", ",c").replace(/\n7,$/, "\n")],
    ["with British spelling and units", FILE.replace("color", "Colour").replace("depth", "Depth %")],
    [
      "with blanks and upper case in names",
      FILE.replace(HEADER, HEADER.toUpperCase().replaceAll(",", " , ")),
    ],
  ])("%s", async (_, content) => {
    const { stones, source } = await read(content);
    expect(stones).toMatchObject([STONE, STONE]);
    expect(source.rejected).toEqual({});
  });

  test("in pieces that end anywhere", async () => {
    const bytes = gzipSync(`sep=;\r\n${replaceAll(";", ",").replaceAll("\n", "\r\n")}`);
    const pieces = Array.from(bytes, (byte) => Buffer.of(byte));
    const source = { name: "slow.csv", open: async () => Readable.from(pieces) };
    expect((await readSources([source]))[0]?.stones).toMatchObject([STONE, STONE]);
  });

  test("lines are counted from the first line of the file", async () => {
    const { examples } = await read(`sep=,\n\n${FILE}${ROW.replace("Ideal", "Ruby")}\n`);
    expect(examples).toEqual(['stones.csv, line 6: unknown cut (cut "Ruby")']);
  });
});

test("a price with an unquoted comma is not taken for a row with a name", async () => {
  // Read as R's row names, the price would be 467.
  const rows = ["9,467,0.23,Ideal", "9467,0.23,Ideal", "9467,0.23,Ideal"];
  const lines = rows.map((row) => `${row},E,SI2,61.5,55,3.95,3.98,2.43`);
  const { stones, source, notes } = await read(
    ["price,carat,cut,color,clarity,depth,table,x,y,z", ...lines].join("\n"),
  );
  expect(stones.map(({ price }) => price)).toEqual([9467, 9467]);
  expect(source.rejected).toEqual({ "wrong number of columns": 1 });
  expect(notes).toEqual([
    "stones.csv: wrong number of columns: 1 row, 11 instead of 10 (line 2): a value with a comma in it needs quotes",
  ]);
});

describe("a file that is not CSV is named, with what to do", () => {
  test.each<[string, string | Uint8Array, string]>([
    ["old Excel", Buffer.from("d0cf11e0a1b11ae1", "hex"), "is an Excel workbook: save it as CSV"],
    ["Parquet", "PAR1\x15", "is a Parquet file: turn it into CSV, for example with python"],
    ["pickle", Buffer.from([0x80, 4, 0x95]), "is a Python pickle: "],
    ["JSON", '[{"carat": 1}]', "is a JSON document: "],
    ["HTML", "<!doctype html><html>", "is an HTML page: it may be a login page"],
    ["Git LFS", "version https://git-lfs.github.com/spec/v1\n", "get the file itself with `git lfs pull`"],
    ["SQLite", "SQLite format 3\0".padEnd(100, "\0"), "is an SQLite database: "],
    ["PDF", "%PDF-1.7\n", "is a PDF document: "],
    ["JSON in gzip", gzipSync("{}"), "is a JSON document: "],
    ["gzip in gzip", gzipSync(gzipSync(FILE)), "is a gzip file: it is packed twice"],
    ["an ONNX model", Buffer.from([8, 8, 0x3a, 1, 0, 0x42]), "this is a binary file, not CSV"],
    ["an empty file", "", "the file is empty"],
    ["an empty file in gzip", gzipSync(""), "the file is empty"],
    ["a byte order mark", "\ufeff", "the file is empty"],
  ])("%s", async (_, content, message) => {
    await expect(read(content)).rejects.toThrow(message);
  });

  test.each([
    ["an incomplete gzip file", gzipSync(FILE).subarray(0, 40), "the gzip file ends too early"],
    ["a damaged gzip file", gzipSync(FILE).fill(7, 20, 30), "the gzip file is damaged"],
  ])("%s", async (_, content, message) => {
    await expect(read(content)).rejects.toThrow(`stones.csv: ${message}`);
  });
});

describe("a header", () => {
  test("without some columns: all of them are named, with the header and likely names", async () => {
    const header = "Carat,cut,colour,clarity,depth,table_ratio,Prize,length,width,price_eur";
    await expect(read(`${header}\n`)).rejects.toThrow(
      "stones.csv: the header has no column table, x, y, z, price; " +
        'rename "table_ratio" for table, "length" for x, "width" for y, "Prize" for price?; ' +
        `"colour" is read as color; the header is ${header.replaceAll(",", ", ")}`,
    );
  });

  test("that is missing: the first line has values", async () => {
    await expect(read(`${ROW}\n${ROW}\n`)).rejects.toThrow(
      "the first line has values instead of names: 0.23, Ideal",
    );
  });

  test("with one column under two names", async () => {
    await expect(read(FILE.replace("color", "colour,color grade"))).rejects.toThrow(
      'the header has the column color twice: "colour" and "color grade"',
    );
    await expect(read(FILE.replace("color", "color,colour").replaceAll("E,", "E,E,"))).resolves.toBeDefined();
  });

  test("with control characters and long names is cut and escaped", async () => {
    const error: Error = await read(`a\u009b31m,b\u202ec,${"d".repeat(5000)}\n`).catch((cause) => cause);
    expect(error.message).toContain("the header is a\\u{9b}31m, b\\u{202e}c, ddd");
    expect(error.message.length).toBeLessThan(600);
  });
});

describe("evidence", () => {
  test("names column, value and line of the first rows, by reason and column", async () => {
    const bad = ["$x", "€5", "abc\u001b[31m", "1 2 3", "n. a."].map((price) => ROW.replace("326", price));
    const { notes, examples } = await read([FILE.repeat(1), ...Array(9).fill(ROW), ...bad].join("\n"));
    expect(examples[0]).toBe('stones.csv, line 14: not a number (price "$x")');
    expect(notes).toEqual([
      'stones.csv: not a number: 4 rows, such as price "$x" (line 14), price "abc\\u{1b}[31m" (line 16), price "1 2 3" (line 17)',
      'stones.csv: not a number: 1 row, price "€5" (line 15): prices must be in US dollars',
    ]);
  });

  test("counts unknown grades by value, also if too few rows are valid", async () => {
    const rows = [...Array(3).fill("Vry Good"), "Excellent"].map((cut) => ROW.replace("Ideal", cut));
    const counted =
      'unknown cut "Vry Good": 3 rows, first at line 4; unknown cut "Excellent": 1 row, first at line 7';
    await expect(read([FILE.trimEnd(), ...rows].join("\n"))).rejects.toThrow(
      `stones.csv: only 2 of 6 rows are valid (unknown cut: 4); ${counted}`,
    );
    const { notes, source } = await read([FILE.trimEnd(), ROW, ROW, ROW, ...rows].join("\n"));
    expect(notes?.[0]).toBe('stones.csv: unknown cut "Vry Good": 3 rows, first at line 7');
    expect(source.rejected).toEqual({ "unknown cut": 4 });
  });
});

describe("the work for a hostile file is linear", () => {
  const LONG = "1".repeat(60_000);
  const invalid = ROW.replace("0.23", `${LONG}x`);
  test.each([
    ["digits and a letter", invalid],
    ["digits, a point and a letter", ROW.replace("0.23", `${LONG}.x`)],
    ["spaces inside of a number", ROW.replace("0.23", `1${" ".repeat(60_000)}2`)],
    ["groups of thousands", ROW.replace("326", `"1${",000".repeat(15_000)}x"`)],
    ["a long grade", ROW.replace("Ideal", "Very ".repeat(12_000))],
    ["quotes", ROW.replace("Ideal", `"${'""'.repeat(30_000)}"`)],
  ])("a cell of %s", async (_, row) => {
    // The pattern of an earlier version took five seconds for one such cell.
    const content = [FILE.repeat(1), ...Array(20).fill(ROW), ...Array(20).fill(row)].join("\n");
    const before = process.cpuUsage();
    const { stones } = await read(content);
    const { user } = process.cpuUsage(before);
    expect(stones).toHaveLength(22);
    expect(user / 1e6).toBeLessThan(5);
  });

  test("a gzip bomb ends early", async () => {
    const bomb = gzipSync(Buffer.concat([Buffer.from(FILE), Buffer.alloc(66 * 2 ** 20, "\n")]), { level: 1 });
    const text = readText({ name: "bomb.csv", open: async () => Readable.from([bomb]) });
    const readAll = async () => {
      let bytes = 0;
      for await (const chunk of text) bytes += chunk.length;
      return bytes;
    };
    await expect(readAll()).rejects.toThrow(
      "bomb.csv: the gzip file unpacks to more than 100 times its size",
    );
  });
});
