import { writeFileSync } from "node:fs";
import type { RequestListener } from "node:http";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { cacheFile, sha256 } from "../../../cloudflare/r2.ts";
import type { PricedStone } from "../../../src/domain/diamond.ts";
import { isTestStone } from "../../../src/domain/split.ts";
import { type Dataset, mergeStones, readDataset } from "../../../training/data/dataset.ts";
import { assignIds, type DatasetStone } from "../../../training/data/dataset-stone.ts";
import { readSources } from "../../../training/data/read-sources.ts";
import { createEmbeddedSource, findSources } from "../../../training/data/source.ts";
import { encodeDatasetFile, readDatasetFile } from "../../../training/registry/dataset-file.ts";
import { parseFreshStones } from "../../../training/registry/fresh-stones.ts";
import { withHttpServer } from "../../support/http-server.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";

const HEADER = "carat,cut,color,clarity,depth,table,price,x,y,z";
const ROWS = ["0.23,Ideal,E,SI2,61.5,55,326,3.95,3.98,2.43", "0.21,Premium,E,SI1,59.8,61,326,3.89,3.84,2.31"];
const STONE: PricedStone = {
  ...{ carat: 1, cut: "Ideal", color: "D", clarity: "IF" },
  ...{ depth: 61, table: 55, x: 6, y: 6, z: 4, price: 9 },
};
const folder = createScratchFolder();
afterAll(() => folder.remove());

/** Writes a file and returns its path. */
function writeFile(name: string, content: string | Uint8Array): string {
  const path = join(folder.path, name);
  writeFileSync(path, content);
  return path;
}

let embedded: Promise<Dataset> | undefined;
/** Reads the embedded dataset once for all tests. */
const readEmbedded = () => (embedded ??= readDataset([createEmbeddedSource()]));
const read = async (...names: string[]) => readDataset(await findSources(names));

describe("the embedded dataset", () => {
  test("has 53,940 stones; 20 stones with a zero dimension are rejected", async () => {
    const dataset = await readEmbedded();
    expect(dataset.stones).toHaveLength(53_920);
    expect(dataset.rejected).toEqual({ "zero dimension": 20 });
    expect(dataset.sources).toMatchObject([{ name: "diamonds.csv", rows: 53_920 }]);
    // The ids that published models were trained on. Rounding changes none of them.
    expect(dataset.id).toBe("06245c5b706e49cf261f1bdf616c850dd5ec3769bc3ee1cbadfee0a9d463e081");
    expect(dataset.notes).toEqual([]);
    expect(dataset.examples[0]).toBe("diamonds.csv, line 2209: zero dimension (z)");
  });

  test("is split 80 to 20 with every seed, and exact duplicates are on the same side", async () => {
    const { stones } = await readEmbedded();
    for (const seed of [0, 1, 42, 2 ** 40 + 3]) {
      const testFraction = stones.filter((stone) => isTestStone(stone.splitKey, seed)).length / stones.length;
      expect(testFraction).toBeGreaterThan(0.19);
      expect(testFraction).toBeLessThan(0.21);
    }
    const sides = new Map<string, number>();
    for (const { id: _, price: __, splitKey, ...measurements } of stones) {
      const key = JSON.stringify(measurements);
      expect(sides.get(key) ?? splitKey).toBe(splitKey);
      sides.set(key, splitKey);
    }
  });

  test("splits of two seeds are independent: 4 % of the stones are test stones of both", async () => {
    const { stones } = await readEmbedded();
    const both = stones.filter(
      (stone) => isTestStone(stone.splitKey, 1) && isTestStone(stone.splitKey, 2),
    ).length;
    expect(both / stones.length).toBeGreaterThan(0.035);
    expect(both / stones.length).toBeLessThan(0.045);
  });
});

describe("reading", () => {
  test("accepts any order of columns, additional columns, CRLF, a byte order mark and blank lines", async () => {
    const path = writeFile(
      "odd.csv",
      "\ufeffprice,z,y,x,note,Cut,color,clarity,carat,depth,table\r\n\r\n326,2.43,3.98,3.95,hi,Ideal,E,SI2,0.23,61.5,55\r\n",
    );
    const { stones } = await read(path);
    expect(stones).toMatchObject([{ carat: 0.23, cut: "Ideal", price: 326, z: 2.43 }]);
  });

  test("several files and glob patterns give one dataset; its id does not depend on their order", async () => {
    const [a, b] = [
      writeFile("part-1.csv", `${HEADER}\n${ROWS[0]}\n`),
      writeFile("part-2.csv", `${HEADER}\n${ROWS[1]}\n`),
    ];
    const both = await read(a, b);
    expect((await read(b, a)).id).toBe(both.id);
    expect((await read(join(folder.path, "part-*.csv"))).id).toBe(both.id);
    expect(both.sources.map((source) => source.name)).toEqual(["part-1.csv", "part-2.csv"]);
  });

  test("equal stones of two files are one stone; equal rows of one file are different stones", async () => {
    const [first, second] = ROWS as [string, string];
    const week1 = writeFile("week-1.csv", `${HEADER}\n${first}\n${first}\n`);
    const week2 = writeFile("week-2.csv", `${HEADER}\n${second}\n${first}\n`);
    const both = await read(week1, week2, week2);
    expect(both.stones).toHaveLength(3);
    expect(both.sources.map(({ name, rows }) => [name, rows])).toEqual([
      ["week-1.csv", 2],
      ["week-2.csv", 1],
    ]);
  });

  test("the order of the rows does not change the stones and their order", async () => {
    const rows = [...ROWS, ROWS[0]];
    const one = await read(writeFile("one.csv", `${HEADER}\n${rows.join("\n")}\n`));
    const other = await read(writeFile("other.csv", `${HEADER}\n${rows.reverse().join("\n")}\n`));
    expect(other.stones).toEqual(one.stones);
    expect(other.id).toBe(one.id);
  });

  test("a file name may contain quotes, semicolons and spaces", async () => {
    const name = `it's; "new" [1] stones.csv`;
    const { sources } = await read(writeFile(name, `${HEADER}\n${ROWS[0]}\n`));
    expect(sources[0]?.name).toBe(name);
  });

  test("reads an http address and reports an error of the server", async () => {
    const respond: RequestListener = (request, response) => {
      if (request.url?.startsWith("/stones.csv")) response.end(`${HEADER}\n${ROWS.join("\n")}\n`);
      else response.writeHead(404).end();
    };
    await withHttpServer(respond, async (url) => {
      const { stones, sources } = await read(`${url}/stones.csv?token=secret`);
      expect(stones).toHaveLength(2);
      expect(sources[0]?.name).toBe(`${url}/stones.csv`);
      await expect(read(`${url}/none.csv`)).rejects.toThrow(
        `${url}/none.csv: the server responded with status 404`,
      );
    });
  });

  test("credentials of an address are sent, but not recorded", async () => {
    const respond: RequestListener = ({ headers }, response) => {
      const isAuthorized =
        headers.authorization === `Basic ${Buffer.from("marta:p@ss:word").toString("base64")}`;
      response.writeHead(isAuthorized ? 200 : 401).end(`${HEADER}\n${ROWS[0]}\n`);
    };
    await withHttpServer(respond, async (url) => {
      const { sources } = await read(`${url.replace("//", "//marta:p%40ss:word@")}/stones.csv`);
      expect(sources).toMatchObject([{ name: `${url}/stones.csv`, rows: 1 }]);
      await expect(read(`${url}/stones.csv`)).rejects.toThrow("the server responded with status 401");
    });
  });

  test("rows with a wrong number of columns are rejected, but not the file", async () => {
    const { stones, rejected } = await read(writeFile("ragged.csv", `${HEADER}\n${ROWS.join("\n")}\n1,2\n`));
    expect(stones).toHaveLength(2);
    expect(rejected).toEqual({ "wrong number of columns": 1 });
  });

  test.each([
    ["empty.csv", "", "empty.csv: the file is empty"],
    ["header.csv", `${HEADER}\n`, "header.csv: only 0 of 0 rows are valid (no rows)"],
    ["short.csv", "carat,cut\n1,Ideal\n", "short.csv: the header has no column depth"],
    ["twice.csv", `${HEADER},price\n`, "twice.csv: the header has the column price twice"],
    [
      "bad.csv",
      `${HEADER}\n${ROWS[0]}\n${ROWS[1]?.replace("326", "0")}\n${ROWS[1]?.replace("SI1", "XX")}\n`,
      "bad.csv: only 1 of 3 rows are valid (price not above 0: 1, unknown clarity: 1)",
    ],
    ["long.csv", `${HEADER}\n"${"x".repeat(100_000)}`, "long.csv: Max Record Size"],
  ])("%s is rejected with one line", async (name, content, message) => {
    await expect(read(writeFile(name, content))).rejects.toThrow(message);
  });

  test("rows whose measurements contradict each other are rejected with their numbers, misprints are not", async () => {
    const good = Array.from({ length: 6 }, (_, i) => `0.31,Good,J,SI2,63.3,58,${335 + i},4.34,4.35,2.75`);
    const { stones, rejected, examples } = await read(
      writeFile(
        "units.csv",
        `${[
          HEADER,
          ...good,
          "0.51,Very Good,F,VVS1,61.8,54.7,1970,5.12,5.15,31.8",
          "0.31,Good,J,SI2,0.633,0.58,335,4.34,4.35,2.75",
          "0.31,Good,J,SI2,63.3,58,335,0.434,0.435,0.275",
          "4.34,Good,J,SI2,63.3,58,335,0.31,4.35,2.75",
        ].join("\n")}\n`,
      ),
    );
    expect(stones).toHaveLength(7);
    expect(stones.filter(({ z }) => z === 31.8)).toHaveLength(1);
    expect(rejected).toEqual({ "contradicting measurements": 3 });
    const start = "contradicting measurements";
    expect(examples).toEqual([
      `units.csv, line 9: ${start} (depth 0.633 % and table 0.58 %, but x, y and z give a depth of 63.3 %: fractions?)`,
      `units.csv, line 10: ${start} (x 0.434 mm, y 0.435 mm and z 0.275 mm are those of 0.000319 carat, but carat is 0.31: centimetres?)`,
      `units.csv, line 11: ${start} (carat 4.34 and x 0.31 mm do not fit the other values, but carat 0.31 and x 4.34 mm do: exchanged?)`,
    ]);
  });

  test("a file with exchanged columns is rejected, and the error has the numbers of its first rows", async () => {
    const rows = Array.from({ length: 30 }, (_, i) => `0.31,Good,J,SI2,58,63,${335 + i},4.34,4.35,2.74`);
    const zeros = Array.from({ length: 9 }, () => "0.31,Good,J,SI2,58,63,335,0,4.35,2.74");
    await expect(
      read(writeFile("exchanged.csv", `${[HEADER, ...rows, ...zeros].join("\n")}\n`)),
    ).rejects.toThrow(
      "exchanged.csv: only 0 of 39 rows are valid (zero dimension: 9, contradicting measurements: 30); zero dimension: 9 rows, such as x (line 32), x (line 33), x (line 34); contradicting measurements: 30 rows, such as depth 58 % and table 63 % do not fit the other values, but depth 63 % and table 58 % do: exchanged? (line 2), ",
    );
  });

  test("an error about many files names the first of them", async () => {
    const names = Array.from({ length: 900 }, (_, i) => writeFile(`many-${1000 + i}.csv`, `${HEADER}\n`));
    await expect(read(...names)).rejects.toThrow(
      /^many-1000.csv, many-1001.csv, [^ ]+, [^ ]+, many-1004.csv, and 895 more: only 0 of 0 rows are valid/,
    );
  });

  test("a missing file is rejected, and the error names it", async () => {
    await expect(read("nowhere.csv")).rejects.toThrow("nowhere.csv: no such file");
    await expect(read(folder.path)).rejects.toThrow(`${folder.path}: not a file`);
  });
});

test("copies of a row have different ids, and the same ids each time", () => {
  const stones = assignIds([STONE, STONE]);
  expect(new Set(stones.map(({ id }) => id)).size).toBe(2);
  expect(assignIds([STONE, STONE])).toEqual(stones);
  expect(assignIds([STONE])).toEqual([stones[0]]);
});

test("one of two copies of a row can be withdrawn, now and in every later dataset", () => {
  const sourceStones = {
    stones: assignIds([STONE, STONE]),
    source: { name: "a", rows: 2, rejected: {}, readAt: "" },
    examples: [],
  };
  const [withdrawnStone, otherStone] = sourceStones.stones as [DatasetStone, DatasetStone];
  const withdrawn = new Set([withdrawnStone.id]);
  const { dataset, newStones } = mergeStones(sourceStones.stones, [], withdrawn);
  expect(dataset.stones).toEqual([otherStone]);
  expect(newStones).toEqual([]);
  const again = mergeStones(dataset.stones, [sourceStones], withdrawn);
  expect(again.dataset).toMatchObject({ stones: [otherStone], sources: [] });
});

test("one source may have more stones than a call may have arguments", () => {
  const stones = Array.from({ length: 150_000 }, (_, i) => ({ ...STONE, id: String(i), splitKey: 0 }));
  const source = { name: "a", rows: stones.length, rejected: {}, readAt: "" };
  const { newStones } = mergeStones([], [{ stones, source, examples: [] }], new Set());
  expect(newStones).toHaveLength(stones.length);
});

describe("a stone that was stored before values were rounded", () => {
  const ROUNDED: PricedStone = { ...STONE, carat: 0.9, x: 6.61, y: 6.65, z: 4.11 };
  const FLOAT32: PricedStone = {
    ...ROUNDED,
    ...{ carat: Math.fround(0.9), x: Math.fround(6.61), y: Math.fround(6.65), z: Math.fround(4.11) },
  };
  const readAs = (...stones: PricedStone[]) => ({
    stones: assignIds(stones),
    source: { name: "a", rows: stones.length, rejected: {}, readAt: "" },
    examples: [],
  });
  const known = assignIds([FLOAT32]);

  test("keeps its id and its side of the split, and is known in either spelling", () => {
    for (const again of [ROUNDED, FLOAT32]) {
      const { dataset, newStones } = mergeStones(known, [readAs(again)], new Set());
      expect(dataset.stones).toEqual(known);
      expect(newStones).toEqual([]);
    }
  });

  test("is one stone if two sources without a dataset have both spellings, in any order", () => {
    expect(mergeStones([], [readAs(FLOAT32), readAs(ROUNDED)], new Set()).dataset.stones).toEqual(known);
    expect(mergeStones([], [readAs(ROUNDED), readAs(FLOAT32)], new Set()).dataset.stones).toEqual(
      assignIds([ROUNDED]),
    );
  });

  test("has as many copies as the source with the most of them", () => {
    const countStones = (stored: PricedStone[], again: PricedStone[]) =>
      mergeStones(assignIds(stored), [readAs(...again)], new Set()).dataset.stones.length;
    expect(countStones([FLOAT32, FLOAT32], [ROUNDED, ROUNDED])).toBe(2);
    expect(countStones([FLOAT32], [ROUNDED, ROUNDED])).toBe(2);
    // An earlier version took the two spellings for two stones.
    const both = [...assignIds([ROUNDED]), ...assignIds([FLOAT32])];
    expect(mergeStones(both, [readAs(ROUNDED, ROUNDED)], new Set()).dataset.stones).toHaveLength(2);
    expect(mergeStones(both, [readAs(ROUNDED, ROUNDED, ROUNDED)], new Set()).dataset.stones).toHaveLength(3);
  });

  test("is withdrawn in both spellings, whichever was withdrawn", () => {
    const [rounded, float32] = [...assignIds([ROUNDED]), ...known] as [DatasetStone, DatasetStone];
    const other = assignIds([{ ...STONE, price: 12 }]);
    for (const { id, ...stone } of [rounded, float32]) {
      const row = Object.fromEntries(Object.entries({ id, ...stone }).filter(([key]) => key !== "splitKey"));
      const { withdrawn } = parseFreshStones([[], [{ id }], [row]]);
      for (const again of [ROUNDED, FLOAT32]) {
        const merged = mergeStones([...known, ...other], [readAs(again)], withdrawn);
        expect(merged.dataset.stones).toEqual(other);
        expect(merged.newStones).toEqual([]);
      }
    }
  });

  test("is read from a published file as it was written", async () => {
    const { key, bytes } = encodeDatasetFile(known);
    await cacheFile(bytes);
    const dataset = { seq: 1, id: "", rows: 1, key, sha256: sha256(bytes), sources: [] };
    expect(await readDatasetFile({ kind: "local", state: folder.path }, dataset)).toEqual(known);
  });

  test("a file adds nothing to the embedded dataset if a program wrote it in float32", async () => {
    const { stones } = await readEmbedded();
    const some = stones.filter((_, i) => i % 1000 === 0);
    const lines = some.map((stone) =>
      HEADER.split(",").map((column) => {
        const value = stone[column as keyof PricedStone];
        return typeof value === "number" ? Math.fround(value) : value;
      }),
    );
    const path = writeFile("float32.csv", [HEADER, ...lines.map((line) => line.join(","))].join("\n"));
    const sources = await readSources(await findSources([path]));
    expect(sources[0]?.stones).toHaveLength(some.length);
    const merged = mergeStones(stones, sources, new Set());
    expect(merged.newStones).toEqual([]);
    expect(merged.dataset.sources).toEqual([]);
  });
});

describe("a published dataset", () => {
  const copies = assignIds([STONE, STONE, { ...STONE, price: 10 }]);
  const createPublishedDataset = (stones: readonly DatasetStone[]) => {
    const { key, bytes } = encodeDatasetFile(stones);
    return {
      file: bytes,
      dataset: { seq: 1, id: "", rows: stones.length, key, sha256: sha256(bytes), sources: [] },
    };
  };

  test("is read back with stones that would be rejected today", async () => {
    const stones = assignIds([
      { ...STONE, depth: 0.61 },
      { ...STONE, x: 0.6, y: 0.6, z: 0.4 },
    ]);
    const { file: bytes, dataset: published } = createPublishedDataset(stones);
    await cacheFile(bytes);
    expect(await readDatasetFile({ kind: "local", state: folder.path }, published)).toEqual(stones);
  });

  test("is read back unchanged, even if only the second copy of a row remains", async () => {
    const remaining = copies.slice(1);
    const { file: bytes, dataset: published } = createPublishedDataset(remaining);
    await cacheFile(bytes);
    expect(await readDatasetFile({ kind: "local", state: folder.path }, published)).toEqual(remaining);
  });
});
