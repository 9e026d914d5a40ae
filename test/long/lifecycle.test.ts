import { readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { findRegistryFaults, withRegistry } from "../support/local-state.ts";
import { type ProcessResult, startScript, train } from "../support/run-script.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";
import { CSV_HEADER, CSV_ROWS, mapPrices, writeStonesCsv } from "../support/stones-csv.ts";

// Every fifth stone, without duplicates: the trainer removes them when it appends a feed.
const STONES = [...new Set(CSV_ROWS.filter((_, i) => i % 5 === 0))];
const folder = createScratchFolder();
const state = join(folder.path, "state");

const writeCsv = (name: string, rows: readonly string[]) => writeStonesCsv(folder.path, name, rows);
const scalePrices = (rows: readonly string[], factor: number) => mapPrices(rows, (price) => price * factor);

const readSnapshot = () =>
  withRegistry(state, async (db) => ({
    datasets: (await db.query.datasets.findMany()).map(({ seq, rows }) => ({ seq, rows })),
    models: (await db.query.models.findMany()).map(({ name, version }) => `${name}@${version}`).sort(),
    champion: (await db.query.aliases.findMany()).map(({ name, version }) => `${name}@${version}`)[0],
    history: await db.query.aliasHistory.findMany(),
    stones: await db.query.diamonds.findMany(),
  }));

// Parts of the file are sorted by price. Taking every other stone makes two similar halves.
const [day1Rows, day2Rows] = [0, 1].map((half) => STONES.filter((_, i) => i % 2 === half)) as [
  string[],
  string[],
];
const feed = STONES.slice(1000, 2000);
let day1: Awaited<ReturnType<typeof readSnapshot>>;
let day2: Awaited<ReturnType<typeof readSnapshot>>;

const getPredictionsFile = (day: number) => join(folder.path, `predictions-${day}.csv`);

/** The test stones of a day, which its file of predictions names, and the day's other stones. */
function readSplit(day: number, rows: readonly string[]) {
  const columns = CSV_HEADER.split(",");
  const measurements = columns.filter((name) => name !== "price");
  const getKey = (names: readonly string[], cells: readonly string[]) =>
    measurements
      .map((name) => cells[names.indexOf(name)]!)
      .map((cell) => (/^[\d.]+$/.test(cell) ? Number(cell) : cell))
      .join();
  const [header = "", ...lines] = readFileSync(getPredictionsFile(day), "utf8").trim().split("\n");
  const testStones = new Set(lines.map((line) => getKey(header.split(","), line.split(","))));
  const all = rows.map((row) => getKey(columns, row.split(",")));
  return { testStones, trainingStones: new Set(all.filter((key) => !testStones.has(key))) };
}

/** Waits for a run that must succeed, and returns its output. */
async function expectSuccess(run: Promise<ProcessResult>): Promise<string> {
  const { code, output } = await run;
  expect(code, output).toBe(0);
  return output;
}

beforeAll(async () => {
  await expectSuccess(
    train("--state", state, "--data", writeCsv("day1.csv", day1Rows), "--predictions", getPredictionsFile(1)),
  );
  day1 = await readSnapshot();
  await expectSuccess(
    train(
      "--state",
      state,
      "--data",
      writeCsv("day2.csv", day2Rows),
      "--append",
      "--predictions",
      getPredictionsFile(2),
    ),
  );
  day2 = await readSnapshot();
});
afterAll(() => folder.remove());

test("day 2 adds its stones to day 1, and its model becomes champion", async () => {
  expect(day2.datasets).toHaveLength(2);
  expect(day2.datasets[1]?.rows).toBeGreaterThan(1.9 * (day1.datasets[0]?.rows ?? 0));
  expect(day2.champion).toBe("gradient-boosting@2");
  expect(day2.history).toHaveLength(2);
  expect(day2.history[1]).toMatchObject({ fromName: "gradient-boosting", fromVersion: 1, actor: "local" });
  expect(day2.history[1]?.reason).toMatch(/^test MAE \$[\d.]+ is lower than \$[\d.]+ of gradient-boosting@1/);
  expect(await findRegistryFaults(state)).toEqual([]);
});

test("no stone moves between the training and the test split", () => {
  const { testStones: testBefore, trainingStones: trainingBefore } = readSplit(1, day1Rows);
  const { testStones: testAfter } = readSplit(2, [...day1Rows, ...day2Rows]);
  expect(testBefore.size).toBeGreaterThan(900);
  for (const stone of testBefore) expect(testAfter).toContain(stone);
  for (const stone of trainingBefore) expect(testAfter).not.toContain(stone);
  // About as many of the new stones as of the old ones are test stones.
  expect(testAfter.size / testBefore.size).toBeGreaterThan(1.8);
});

test("the feed check rejects a feed with prices ten times too high, and the registry does not change", async () => {
  const { code, output } = await train(
    "--state",
    state,
    "--data",
    writeCsv("bad.csv", scalePrices(feed, 10)),
    "--append",
  );
  expect(code).toBe(2);
  expect(output).toMatch(/the feed is rejected: \d+ of \d+ new prices differ by more than 50 %/);
  expect(output).toMatch(/the median price is (9|10|11)\.\d+ times the champion's/);
  expect(await readSnapshot()).toEqual(day2);
});

test("with --accept-feed the same feed is used, and the promotion policy decides", async () => {
  const path = join(folder.path, "bad.csv");
  const json = join(folder.path, "accepted.json");
  await expectSuccess(
    train("--state", state, "--data", path, "--append", "--accept-feed", "--dry-run", "--json", json),
  );
  const { dataset, decision } = JSON.parse(readFileSync(json, "utf8"));
  expect(dataset.rows).toBeGreaterThan(day2.datasets[1]?.rows ?? 0);
  expect(decision.reason).toContain("gradient-boosting@2 on the same");
});

test("a feed with prices 10 % higher is accepted", async () => {
  const output = await expectSuccess(
    train("--state", state, "--data", writeCsv("up.csv", scalePrices(feed, 1.1)), "--append"),
  );
  expect(output).not.toContain("the feed is rejected");
  expect((await readSnapshot()).datasets).toHaveLength(3);
  expect(await findRegistryFaults(state)).toEqual([]);
});

test("the trainer reports that nothing is new if the feed was already added", async () => {
  const output = await expectSuccess(
    train("--state", state, "--data", join(folder.path, "up.csv"), "--append"),
  );
  expect(output).toContain("nothing new since");
});

test("two runs at the same time both end, with unique versions and the stones of both", async () => {
  const runs = [1, 2].map((k) =>
    startScript([
      "--state",
      state,
      "--data",
      writeCsv(`parallel-${k}.csv`, scalePrices(feed.slice(k * 100, k * 100 + 100), 1.01)),
      "--append",
    ]),
  );
  const before = await readSnapshot();
  const results = await Promise.all(runs.map(({ finished }) => finished));
  for (const { code, output } of results) {
    if (code !== 0) expect(output).toContain("another process changed the registry at the same time");
  }
  const succeeded = results.filter(({ code }) => code === 0).length;
  expect(succeeded).toBeGreaterThan(0);
  const after = await readSnapshot();
  expect(after.models).toHaveLength(before.models.length + 3 * succeeded);
  expect(after.datasets.at(-1)?.rows).toBe((before.datasets.at(-1)?.rows ?? 0) + 100 * succeeded);
  expect(await findRegistryFaults(state)).toEqual([]);
});

test("a file with few kinds of stones is not promoted, and later runs do not start from it", async () => {
  const before = await readSnapshot();
  const narrow = STONES.filter((row) => Number(row.split(",")[CSV_HEADER.split(",").indexOf("carat")]) < 0.7);
  const output = await expectSuccess(train("--state", state, "--data", writeCsv("narrow.csv", narrow)));
  expect(output).toMatch(/the run has [\d,]+ training stones against .*none of 1-1\.5 carat/);
  const after = await readSnapshot();
  expect(after.champion).toBe(before.champion);
  expect(after.datasets).toHaveLength(before.datasets.length + 1);
  const next = await expectSuccess(train("--state", state));
  expect(next).toContain("nothing new since");
  expect(await readSnapshot()).toEqual(after);
});
