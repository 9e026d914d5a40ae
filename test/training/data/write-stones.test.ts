/** The files of `--training-rows`. test/long/train.test.ts has a run with this option. */
import { mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { NUMBER_COLUMNS, type PricedStone, STONE_COLUMNS } from "../../../src/domain/diamond.ts";
import { readDataset } from "../../../training/data/dataset.ts";
import { createEmbeddedSource } from "../../../training/data/source.ts";
import { writeStones } from "../../../training/data/write-stones.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";

const COLUMNS = [...STONE_COLUMNS, "price"] as const;
const NUMBERS: readonly string[] = [...NUMBER_COLUMNS, "price"];
const folder = createScratchFolder();
let stones: readonly PricedStone[];

beforeAll(async () => {
  const dataset = await readDataset([createEmbeddedSource()]);
  // More than two row groups, and numbers with all digits of a float64.
  stones = dataset.stones.slice(0, 40_000).map((stone) => ({ ...stone, x: stone.x / 3 }));
});
afterAll(() => folder.remove());

const at = (name: string) => join(folder.path, name);

async function query(sql: string) {
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  const reader = await connection.runAndReadAll(sql);
  const rows = reader.getRowObjects();
  connection.closeSync();
  instance.closeSync();
  return rows;
}

function readCsv(file: string) {
  const rows: Record<string, string>[] = parse(readFileSync(file), { columns: true });
  return rows.map((row) =>
    Object.fromEntries(
      Object.entries(row).map(([name, text]) => [name, NUMBERS.includes(name) ? Number(text) : text]),
    ),
  );
}

describe("Parquet", () => {
  test("has the same rows as CSV, to the bit and in the same order", async () => {
    await writeStones(at("rows.csv"), stones);
    await writeStones(at("it's rows.PARQUET"), stones);
    const rows = await query(`SELECT * FROM '${at("it''s rows.PARQUET")}'`);
    expect(rows.length).toBe(stones.length);
    const csv = readCsv(at("rows.csv"));
    expect(csv[0]).toEqual(Object.fromEntries(COLUMNS.map((column) => [column, stones[0]![column]])));
    expect(rows).toEqual(csv);
  });

  test("has float64 and text, in row groups that several workers can read", async () => {
    await writeStones(at("rows.parquet"), stones);
    const columns = await query(`DESCRIBE SELECT * FROM '${at("rows.parquet")}'`);
    expect(columns.map(({ column_name, column_type }) => [column_name, column_type])).toEqual(
      COLUMNS.map((column) => [column, NUMBERS.includes(column) ? "DOUBLE" : "VARCHAR"]),
    );
    const groups = await query(
      `SELECT count(DISTINCT row_group_id)::INT AS count FROM parquet_metadata('${at("rows.parquet")}')`,
    );
    expect(groups).toEqual([{ count: 3 }]);
  });

  test("may have no rows", async () => {
    await writeStones(at("empty.parquet"), []);
    expect(await query(`SELECT * FROM '${at("empty.parquet")}'`)).toEqual([]);
  });
});

describe.each(["csv", "parquet"])("a .%s file that cannot be written", (extension) => {
  test("in a folder that does not exist", async () => {
    await expect(writeStones(at(`nowhere/rows.${extension}`), [])).rejects.toThrow(
      `nowhere/rows.${extension}: the file cannot be written: its folder does not exist`,
    );
  });

  test("because it is a folder", async () => {
    mkdirSync(at(`folder.${extension}`));
    await expect(writeStones(at(`folder.${extension}`), [])).rejects.toThrow(
      `folder.${extension}: the file cannot be written: it is a folder`,
    );
  });
});
