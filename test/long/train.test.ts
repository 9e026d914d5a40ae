import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EMBEDDED, readState, registryFaults, scratchFolder, train } from "../system/trainer.ts";

const [HEADER = "", ...ROWS] = readFileSync(EMBEDDED, "utf8").trim().split("\n");
const folder = scratchFolder();
const state = join(folder.path, "state");
// Every 50th stone: all grades, and quick to fit.
const SOME = ROWS.filter((_, i) => i % 50 === 0);

function csv(name: string, rows: readonly string[]): string {
  const path = join(folder.path, name);
  writeFileSync(path, `${[HEADER, ...rows].join("\n")}\n`);
  return path;
}

const result = (name: string) => JSON.parse(readFileSync(join(folder.path, name), "utf8"));
const count = () =>
  readState(state, async (db, bucket) => ({
    models: (await db.query.models.findMany()).length,
    stones: (await db.query.diamonds.findMany()).length,
    // Each version has a report of its own.
    files: (await bucket.list()).objects
      .filter(({ key }) => !key.startsWith("reports/"))
      .map((object) => `${object.key} ${object.uploaded.getTime()}`),
  }));

afterAll(() => folder.remove());

describe("one registry, run after run", () => {
  const name = `it's; "new" -- stones.csv`;
  let first: Awaited<ReturnType<typeof count>>;

  beforeAll(async () => {
    const file = csv(name, [...SOME, "0.3,Ruby,E,VS1,61,55,400,4,4,2.4"]);
    const predictions = join(folder.path, "predictions.csv");
    const json = join(folder.path, "first.json");
    const run = await train("--data", file, "--state", state, "--json", json, "--predictions", predictions);
    expect(run.code, run.output).toBe(0);
    expect(run.output).toContain("rejected unknown cut: 1");
    expect(run.output).toMatch(/gradient-boosting@1 .* champion/);
    first = await count();
  });

  test("publishes the models, their files and every stone, under the file's very name", async () => {
    expect(await registryFaults(state)).toEqual([]);
    expect(first).toMatchObject({ models: 3, stones: SOME.length });
    expect(first.files).toHaveLength(4);
    const [dataset] = await readState(state, (db) => db.query.datasets.findMany());
    expect(dataset?.sources).toMatchObject([{ name, rows: SOME.length, rejected: { "unknown cut": 1 } }]);
    expect(result("first.json")).toMatchObject({
      dataset: { rows: SOME.length, rejected: { "unknown cut": 1 } },
      models: [
        { name: "log-linear", version: 1 },
        { name: "gradient-boosting-notebook", version: 1 },
        { name: "gradient-boosting", version: 1 },
      ],
      decision: { champion: { name: "gradient-boosting", version: 1 }, promoted: true },
    });
  });

  test("writes each test stone with each model's price, from which the metrics follow", () => {
    const [header, ...lines] = readFileSync(join(folder.path, "predictions.csv"), "utf8").trim().split("\n");
    expect(header).toBe(
      "carat,cut,color,clarity,depth,table,x,y,z,price,log-linear,gradient-boosting-notebook,gradient-boosting",
    );
    const errors = lines
      .map((line) => line.split(","))
      .map((cells) => Math.abs(Number(cells[12]) - Number(cells[9])));
    const mae = errors.reduce((sum, error) => sum + error, 0) / errors.length;
    const { metrics } = result("first.json").models[2];
    expect(metrics.rows).toBe(lines.length);
    expect(metrics.mae).toBeCloseTo(mae, 6);
  });

  test("the same data again is a new version that uploads and imports nothing, and does not take over", async () => {
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
    expect(await count()).toEqual({ ...first, models: 6 });
    expect(result("second.json").decision).toMatchObject({
      champion: { name: "gradient-boosting", version: 1 },
      promoted: false,
    });
    expect(await registryFaults(state)).toEqual([]);
  });

  test("without --force-train the same data and settings train nothing", async () => {
    const before = await count();
    const run = await train("--data", join(folder.path, name), "--state", state);
    expect(run.code, run.output).toBe(0);
    expect(run.output).toContain(
      "nothing new since log-linear@2, gradient-boosting-notebook@2, gradient-boosting@2",
    );
    expect(await count()).toEqual(before);
  });

  test("other data imports only what is new, and older datasets keep their stones", async () => {
    const other = csv("other.csv", [...SOME.slice(100), ...ROWS.filter((_, i) => i % 50 === 1).slice(0, 30)]);
    const run = await train("--data", other, "--state", state, "--promote", "never");
    expect(run.code, run.output).toBe(0);
    expect(await registryFaults(state)).toEqual([]);
    expect((await count()).stones).toBe(SOME.length + 30);
    const [champion] = await readState(state, (db) => db.query.aliases.findMany());
    expect(champion).toMatchObject({ name: "gradient-boosting", version: 1, revision: 1 });
  });

  test("a dry run trains and judges also where nothing is new, and publishes nothing", async () => {
    const before = await count();
    const predictions = join(folder.path, "dry.csv");
    const run = await train(
      ...["--data", join(folder.path, "other.csv"), "--state", state],
      ...["--dry-run", "--predictions", predictions],
    );
    expect(run.code, run.output).toBe(0);
    expect(run.output).toMatch(/gradient-boosting@4 against the champion, test MAE on the same stones/);
    expect(run.output).toMatch(/│ all +│ \d+ +│ \$[\d.,]+ +│ \$[\d.,]+ +│ [+-][\d.]+ % +│/);
    expect(run.output).toMatch(/champion: gradient-boosting@/);
    expect(readFileSync(predictions, "utf8").split("\n").length).toBeGreaterThan(100);
    expect(await count()).toEqual(before);
  });

  test("the champion's file that was lost is made whole by the next run", async () => {
    await readState(state, async (db, bucket) => {
      const [champion] = await db.query.aliases.findMany();
      const models = await db.query.models.findMany();
      const lost = models.find(
        ({ name, version }) => name === champion?.name && version === champion.version,
      );
      await bucket.delete(lost?.key ?? "");
    });
    expect(await registryFaults(state)).not.toEqual([]);
    const run = await train("--data", join(folder.path, name), "--state", state);
    expect(run.code, run.output).toBe(0);
    expect(run.output).toContain("the file of gradient-boosting@1 cannot be read; first champion");
    expect(await registryFaults(state)).toEqual([]);
  });
});
