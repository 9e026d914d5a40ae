import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import {
  EMBEDDED,
  type Finished,
  readState,
  registryFaults,
  scratchFolder,
  startTrainer,
  train,
} from "../system/trainer.ts";

const [HEADER = "", ...ROWS] = readFileSync(EMBEDDED, "utf8").trim().split("\n");
// Every fifth stone, without copies: a row that is known already is not taken twice.
const STONES = [...new Set(ROWS.filter((_, i) => i % 5 === 0))];
const PRICE = HEADER.split(",").indexOf("price");
const folder = scratchFolder();
const state = join(folder.path, "state");

function csv(name: string, rows: readonly string[]): string {
  const path = join(folder.path, name);
  writeFileSync(path, `${[HEADER, ...rows].join("\n")}\n`);
  return path;
}

/** The same stones at other prices. */
function repriced(rows: readonly string[], factor: number): string[] {
  return rows.map((row) => {
    const cells = row.split(",");
    cells[PRICE] = String(Math.round(Number(cells[PRICE]) * factor));
    return cells.join(",");
  });
}

const snapshot = () =>
  readState(state, async (db) => ({
    datasets: (await db.query.datasets.findMany()).map(({ seq, rows }) => ({ seq, rows })),
    models: (await db.query.models.findMany()).map(({ name, version }) => `${name}@${version}`).sort(),
    champion: (await db.query.aliases.findMany()).map(({ name, version }) => `${name}@${version}`)[0],
    history: await db.query.aliasHistory.findMany(),
    stones: await db.query.diamonds.findMany(),
  }));

// The file is sorted by price in parts: every other stone makes two halves that are alike.
const [first, rest] = [0, 1].map((side) => STONES.filter((_, i) => i % 2 === side)) as [string[], string[]];
const feed = STONES.slice(1000, 2000);
let day1: Awaited<ReturnType<typeof snapshot>>;
let day2: Awaited<ReturnType<typeof snapshot>>;

const tested = (day: number) => join(folder.path, `predictions-${day}.csv`);

/** The stones that a day's models were tested on, by what they wrote, and the others of the day. */
function sides(day: number, rows: readonly string[]) {
  const columns = HEADER.split(",");
  const measured = columns.filter((name) => name !== "price");
  const key = (names: readonly string[], cells: readonly string[]) =>
    measured
      .map((name) =>
        (/^[\d.]+$/.test(cells[names.indexOf(name)]!) ? Number : String)(cells[names.indexOf(name)]!),
      )
      .join();
  const [head = "", ...lines] = readFileSync(tested(day), "utf8").trim().split("\n");
  const inTest = new Set(lines.map((line) => key(head.split(","), line.split(","))));
  const all = rows.map((row) => key(columns, row.split(",")));
  return { tested: inTest, trained: new Set(all.filter((stone) => !inTest.has(stone))) };
}

async function well(run: Promise<Finished>): Promise<string> {
  const { code, output } = await run;
  expect(code, output).toBe(0);
  return output;
}

beforeAll(async () => {
  await well(train("--state", state, "--data", csv("day1.csv", first), "--predictions", tested(1)));
  day1 = await snapshot();
  await well(
    train("--state", state, "--data", csv("day2.csv", rest), "--append", "--predictions", tested(2)),
  );
  day2 = await snapshot();
});
afterAll(() => folder.remove());

test("day 2 adds to day 1: two datasets, the newer model is champion, and the history says why", async () => {
  expect(day2.datasets).toHaveLength(2);
  expect(day2.datasets[1]?.rows).toBeGreaterThan(1.9 * (day1.datasets[0]?.rows ?? 0));
  expect(day2.champion).toBe("gradient-boosting@2");
  expect(day2.history).toHaveLength(2);
  expect(day2.history[1]).toMatchObject({ fromName: "gradient-boosting", fromVersion: 1, actor: "local" });
  expect(day2.history[1]?.reason).toMatch(/^test MAE \$[\d.]+ beats \$[\d.]+ of gradient-boosting@1/);
  expect(await registryFaults(state)).toEqual([]);
});

test("a stone stays on its side of the split", () => {
  const { tested: before, trained } = sides(1, first);
  const { tested: after } = sides(2, [...first, ...rest]);
  expect(before.size).toBeGreaterThan(900);
  for (const stone of before) expect(after).toContain(stone);
  for (const stone of trained) expect(after).not.toContain(stone);
  // As many of the new ones as of the old ones.
  expect(after.size / before.size).toBeGreaterThan(1.8);
});

test("a feed with prices ten times too high is refused at the door, and leaves nothing behind", async () => {
  const { code, output } = await train(
    "--state",
    state,
    "--data",
    csv("bad.csv", repriced(feed, 10)),
    "--append",
  );
  expect(code).toBe(2);
  expect(output).toMatch(/the feed is refused: \d+ of its \d+ fresh prices/);
  expect(output).toMatch(/the median price is (9|10|11)\.\d+ times the champion's/);
  expect(await snapshot()).toEqual(day2);
});

test("with --accept-feed it is trained on, and the gate decides", async () => {
  const path = join(folder.path, "bad.csv");
  const json = join(folder.path, "accepted.json");
  await well(
    train("--state", state, "--data", path, "--append", "--accept-feed", "--dry-run", "--json", json),
  );
  const { dataset, decision } = JSON.parse(readFileSync(json, "utf8"));
  expect(dataset.rows).toBeGreaterThan(day2.datasets[1]?.rows ?? 0);
  expect(decision.reason).toContain("gradient-boosting@2 on the same");
});

test("a market that moved by a tenth is taken", async () => {
  const output = await well(
    train("--state", state, "--data", csv("up.csv", repriced(feed, 1.1)), "--append"),
  );
  expect(output).not.toContain("refused");
  expect((await snapshot()).datasets).toHaveLength(3);
  expect(await registryFaults(state)).toEqual([]);
});

test("a feed that was taken already is nothing new", async () => {
  const output = await well(train("--state", state, "--data", join(folder.path, "up.csv"), "--append"));
  expect(output).toContain("nothing new since");
});

test("two runs at once: both end, versions are unique, and each brings its stones", async () => {
  const runs = [1, 2].map((k) =>
    startTrainer([
      "--state",
      state,
      "--data",
      csv(`race-${k}.csv`, repriced(feed.slice(k * 100, k * 100 + 100), 1.01)),
      "--append",
    ]),
  );
  const before = await snapshot();
  const ended = await Promise.all(runs.map(({ finished }) => finished));
  for (const { code, output } of ended) {
    if (code !== 0) expect(output).toContain("changed by somebody else at the same time");
  }
  const well = ended.filter(({ code }) => code === 0).length;
  expect(well).toBeGreaterThan(0);
  const after = await snapshot();
  expect(after.models).toHaveLength(before.models.length + 3 * well);
  expect(after.datasets.at(-1)?.rows).toBe((before.datasets.at(-1)?.rows ?? 0) + 100 * well);
  expect(await registryFaults(state)).toEqual([]);
});
