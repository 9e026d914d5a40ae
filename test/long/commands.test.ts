import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { aliasHistory } from "../../src/db/registry/schema.ts";
import { EMBEDDED, readState, registryFaults, scratchFolder, startTrainer } from "../system/trainer.ts";

const folder = scratchFolder();
const state = join(folder.path, "state");
const [HEADER = "", ...ROWS] = readFileSync(EMBEDDED, "utf8").trim().split("\n");

const run = (script: string, ...args: string[]) => startTrainer([...args, "--state", state], script).finished;
const aliases = () => readState(state, (db) => db.query.aliases.findMany());

beforeAll(async () => {
  // Three versions: each run sees more stones than the one before.
  for (const count of [300, 400, 500]) {
    const path = join(folder.path, `${count}.csv`);
    writeFileSync(path, `${[HEADER, ...ROWS.slice(0, count)].join("\n")}\n`);
    const trained = await run(
      "test/system/train-median.ts",
      "--data",
      path,
      "--promote",
      count === 300 ? "auto" : "never",
    );
    expect(trained.code, trained.output).toBe(0);
  }
});
afterAll(() => folder.remove());

describe("npm run promote", () => {
  test("moves the champion, and keeps who, why and from where", async () => {
    const moved = await run("scripts/promote.ts", "median-price@3", "--reason", "it's better; really");
    expect(moved.output).toContain("champion: median-price@1 -> median-price@3");
    const back = await run("scripts/promote.ts", "median-price@1", "--reason", "no, it is not");
    expect(back.code, back.output).toBe(0);
    expect(await aliases()).toMatchObject([
      { alias: "champion", name: "median-price", version: 1, revision: 3 },
    ]);
    const history = await readState(state, (db) => db.query.aliasHistory.findMany());
    expect(
      history.map(({ revision, version, fromVersion, reason }) => [revision, version, fromVersion, reason]),
    ).toEqual([
      [1, 1, null, expect.stringContaining("first champion")],
      [2, 3, 1, "it's better; really"],
      [3, 1, 3, "no, it is not"],
    ]);
  });

  test("points a challenger at a version, with its share of predictions", async () => {
    const moved = await run(
      "scripts/promote.ts",
      "median-price@2",
      "--alias",
      "challenger",
      "--share",
      "25",
      "--reason",
      "try",
    );
    expect(moved.code, moved.output).toBe(0);
    expect(await aliases()).toContainEqual(
      expect.objectContaining({ alias: "challenger", version: 2, share: 25 }),
    );
  });

  test.each([
    [["median-price@9", "--reason", "x"], "median-price@9 is not in the registry"],
    [["median-price", "--reason", "x"], "name one version"],
    [["median-price@1"], "--reason is missing"],
    [["median-price@1", "--reason", "x", "--share", "5"], "--share is the challenger's"],
    [["median-price@1", "--reason", "x", "--alias", "median-price"], "median-price is a model's name"],
  ])("%j is refused", async (args, message) => {
    const { code, output } = await run("scripts/promote.ts", ...args);
    expect(output).toContain(message);
    expect(code).toBe(1);
  });
});

describe("npm run keys", () => {
  test("shows a key once, keeps its hash alone, lists and revokes it", async () => {
    const made = await run(
      "scripts/keys.ts",
      "create",
      "--name",
      "don's shop",
      "--scopes",
      "predict,appraise",
      "--days",
      "30",
    );
    const key = /^facet_[\w-]{43}$/m.exec(made.output)?.[0] ?? "";
    const rows = () => readState(state, (db) => db.query.keys.findMany());
    expect(await rows()).toMatchObject([
      {
        name: "don's shop",
        scopes: ["predict", "appraise"],
        hash: createHash("sha256").update(key).digest("hex"),
        revokedAt: null,
      },
    ]);
    expect(JSON.stringify(await rows())).not.toContain(key);

    const again = await run("scripts/keys.ts", "create", "--name", "don's shop", "--scopes", "predict");
    expect(again).toMatchObject({
      code: 1,
      output: expect.stringContaining("there is a key named don's shop already"),
    });
    expect((await run("scripts/keys.ts", "revoke", "--name", "don's shop")).code).toBe(0);
    expect((await rows())[0]?.revokedAt).not.toBeNull();
    expect((await run("scripts/keys.ts", "list")).output).toContain("don's shop");
    for (const name of ["anonymous", "don's shop: north"]) {
      const refused = await run("scripts/keys.ts", "create", "--name", name, "--scopes", "predict");
      expect(refused).toMatchObject({
        code: 1,
        output: expect.stringContaining("--name must have no colon"),
      });
    }
    const wrong = await run("scripts/keys.ts", "create", "--name", "x", "--scopes", "predict,everything");
    expect(wrong).toMatchObject({
      code: 1,
      output: expect.stringContaining("--scopes must be some of predict,appraise,admin"),
    });
  });
});

describe("npm run models -- prune", () => {
  test("deletes what nothing points at, and nothing else", async () => {
    const path = join(folder.path, "600.csv");
    writeFileSync(path, `${[HEADER, ...ROWS.slice(0, 600)].join("\n")}\n`);
    for (const seed of ["1", "2"]) {
      const trained = await run(
        "test/system/train-median.ts",
        "--data",
        path,
        "--promote",
        "never",
        "--seed",
        seed,
      );
      expect(trained.code, trained.output).toBe(0);
    }
    const versions = () =>
      readState(state, async (db) => (await db.query.models.findMany()).map(({ version }) => version));
    const dry = await run("scripts/models.ts", "prune", "--keep", "1", "--dry-run");
    expect(dry.output).toMatch(/1 versions and \d files would go; 4 versions stay/);
    expect(await versions()).toEqual([1, 2, 3, 4, 5]);

    // 4 was a canary until some days ago; a long time ago it is none that is kept.
    const ended = async (days: number) => {
      const at = (ago: number) => new Date(Date.now() - ago * 86_400_000).toISOString();
      const move = { alias: "spare", name: "median-price", version: 1, actor: "test", reason: "test" };
      await readState(state, async (db) => {
        await db.delete(aliasHistory).where(eq(aliasHistory.alias, "spare"));
        await db.insert(aliasHistory).values([
          { ...move, revision: 1, at: at(days + 100), canaryName: "median-price", canaryVersion: 4 },
          { ...move, revision: 2, at: at(days) },
        ]);
      });
    };
    await ended(30);
    const kept = await run("scripts/models.ts", "prune", "--keep", "1", "--dry-run");
    expect(kept.output).toContain("0 versions and 0 files would go; 5 versions stay");
    await ended(100);

    // 1 is champion, 2 is challenger, 3 was champion lately, 5 is the newest.
    const pruned = await run("scripts/models.ts", "prune", "--keep", "1");
    expect(pruned.code, pruned.output).toBe(0);
    expect(await versions()).toEqual([1, 2, 3, 5]);
    expect((await registryFaults(state)).filter((fault) => !fault.includes("has versions"))).toEqual([]);
  });
});
