import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { COPY_PREFIX } from "../../src/db/registry-copy/schema.ts";
import { findRegistryFaults, withRegistry } from "../support/local-state.ts";
import { train } from "../support/run-script.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";
import { CSV_ROWS, writeStonesCsv } from "../support/stones-csv.ts";

const folder = createScratchFolder();
const state = join(folder.path, "state");
const trainingRows = join(folder.path, "training.parquet");
// Every 50th stone: all grades occur, and the fit is quick.
const ROWS = CSV_ROWS.filter((_, i) => i % 50 === 0);

/** A row of the dataset in the order of the columns of `--training-rows`. */
function formatStone(row: string): string {
  const [carat, cut, color, clarity, depth, table, price, x, y, z] = row.split(",");
  return [Number(carat), cut, color, clarity, ...[depth, table, x, y, z, price].map(Number)].join(",");
}

const readResult = (name: string) => JSON.parse(readFileSync(join(folder.path, name), "utf8"));
const readContent = () =>
  withRegistry(state, async (db, bucket) => ({
    models: (await db.query.models.findMany()).length,
    stones: (await db.query.diamonds.findMany()).length,
    // Without the model cards, of which each version has one, and the copies of the registry.
    files: (await bucket.list()).objects
      .filter(({ key }) => !key.startsWith("reports/") && !key.startsWith(COPY_PREFIX))
      .map((object) => `${object.key} ${object.uploaded.getTime()}`),
  }));

afterAll(() => folder.remove());

describe("runs on one registry, one after the other", () => {
  const name = `it's; "new" -- stones.csv`;
  let first: Awaited<ReturnType<typeof readContent>>;

  beforeAll(async () => {
    const file = writeStonesCsv(folder.path, name, [...ROWS, "0.3,Ruby,E,VS1,61,55,400,4,4,2.4"]);
    const predictions = join(folder.path, "predictions.csv");
    const json = join(folder.path, "first.json");
    const options = ["--json", json, "--predictions", predictions, "--training-rows", trainingRows];
    const run = await train("--data", file, "--state", state, ...options);
    expect(run.code, run.output).toBe(0);
    expect(run.output).toContain("rejected unknown cut: 1");
    expect(run.output).toMatch(/gradient-boosting@1 .* champion/);
    first = await readContent();
  });

  test("the first run publishes the models, their files and every stone, with the exact file name", async () => {
    expect(await findRegistryFaults(state)).toEqual([]);
    expect(first).toMatchObject({ models: 3, stones: ROWS.length });
    expect(first.files).toHaveLength(4);
    const [dataset] = await withRegistry(state, (db) => db.query.datasets.findMany());
    expect(dataset?.sources).toMatchObject([{ name, rows: ROWS.length, rejected: { "unknown cut": 1 } }]);
    expect(readResult("first.json")).toMatchObject({
      dataset: { rows: ROWS.length, rejected: { "unknown cut": 1 } },
      models: [
        { name: "log-linear", version: 1 },
        { name: "gradient-boosting-notebook", version: 1 },
        { name: "gradient-boosting", version: 1 },
      ],
      decision: { champion: { name: "gradient-boosting", version: 1 }, promoted: true },
    });
  });

  test("--predictions writes the prices that the metrics are computed from", () => {
    const [header, ...lines] = readFileSync(join(folder.path, "predictions.csv"), "utf8").trim().split("\n");
    expect(header).toBe(
      "carat,cut,color,clarity,depth,table,x,y,z,price,log-linear,gradient-boosting-notebook,gradient-boosting",
    );
    const errors = lines
      .map((line) => line.split(","))
      .map((cells) => Math.abs(Number(cells[12]) - Number(cells[9])));
    const mae = errors.reduce((sum, error) => sum + error, 0) / errors.length;
    const { metrics } = readResult("first.json").models[2];
    expect(metrics.rows).toBe(lines.length);
    expect(metrics.mae).toBeCloseTo(mae, 6);
  });

  test("--training-rows writes the other stones, as Parquet", async () => {
    const instance = await DuckDBInstance.create(":memory:");
    const connection = await instance.connect();
    const reader = await connection.runAndReadAll(`SELECT * FROM '${trainingRows}'`);
    connection.closeSync();
    instance.closeSync();
    const lines = reader.getRows().map((cells) => cells.join(","));
    const [, ...tested] = readFileSync(join(folder.path, "predictions.csv"), "utf8").trim().split("\n");
    const testLines = tested.map((line) => line.split(",").slice(0, 10).join(","));
    expect([...lines, ...testLines].toSorted()).toEqual(ROWS.map(formatStone).toSorted());
  });

  test("with --force-train the same data gives new versions, without uploads, imports or a promotion", async () => {
    const json = join(folder.path, "second.json");
    const run = await train(
      "--data",
      join(folder.path, name),
      "--state",
      state,
      "--json",
      json,
      "--force-train",
    );
    expect(run.code, run.output).toBe(0);
    expect(await readContent()).toEqual({ ...first, models: 6 });
    expect(readResult("second.json").decision).toMatchObject({
      champion: { name: "gradient-boosting", version: 1 },
      promoted: false,
    });
    expect(await findRegistryFaults(state)).toEqual([]);
  });

  test("without --force-train the same data and settings are not trained again", async () => {
    const before = await readContent();
    const run = await train("--data", join(folder.path, name), "--state", state);
    expect(run.code, run.output).toBe(0);
    expect(run.output).toContain(
      "nothing new since log-linear@2, gradient-boosting-notebook@2, gradient-boosting@2",
    );
    expect(await readContent()).toEqual(before);
  });

  test("other data imports only its new stones, and older datasets keep theirs", async () => {
    const other = writeStonesCsv(folder.path, "other.csv", [
      ...ROWS.slice(100),
      ...CSV_ROWS.filter((_, i) => i % 50 === 1).slice(0, 30),
    ]);
    const run = await train("--data", other, "--state", state, "--promote", "never");
    expect(run.code, run.output).toBe(0);
    expect(await findRegistryFaults(state)).toEqual([]);
    expect((await readContent()).stones).toBe(ROWS.length + 30);
    const [champion] = await withRegistry(state, (db) => db.query.aliases.findMany());
    expect(champion).toMatchObject({ name: "gradient-boosting", version: 1, revision: 1 });
  });

  test("--dry-run trains and judges even if nothing is new, and publishes nothing", async () => {
    const before = await readContent();
    const predictions = join(folder.path, "dry.csv");
    const run = await train(
      ...["--data", join(folder.path, "other.csv"), "--state", state],
      ...["--dry-run", "--predictions", predictions],
    );
    expect(run.code, run.output).toBe(0);
    expect(run.output).toMatch(
      /gradient-boosting@4 against the champion: test MAE on stones that neither was trained on/,
    );
    expect(run.output).toMatch(/│ all +│ \d+ +│ \$[\d.,]+ +│ \$[\d.,]+ +│ [+-][\d.]+ % +│/);
    expect(run.output).toMatch(/champion: gradient-boosting@/);
    expect(readFileSync(predictions, "utf8").split("\n").length).toBeGreaterThan(100);
    expect(await readContent()).toEqual(before);
  });

  test("the next run uploads a lost file of the champion again", async () => {
    await withRegistry(state, async (db, bucket) => {
      const [champion] = await db.query.aliases.findMany();
      const models = await db.query.models.findMany();
      const lost = models.find(
        ({ name, version }) => name === champion?.name && version === champion.version,
      );
      await bucket.delete(lost?.key ?? "");
    });
    expect(await findRegistryFaults(state)).not.toEqual([]);
    const run = await train("--data", join(folder.path, name), "--state", state);
    expect(run.code, run.output).toBe(0);
    expect(run.output).toContain("the file of gradient-boosting@1 cannot be read; first champion");
    expect(await findRegistryFaults(state)).toEqual([]);
  });
});
