import { createHash } from "node:crypto";
import { readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { eq } from "drizzle-orm";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { parse } from "yaml";
import { aliasHistory, datasets, models } from "../../src/db/registry/schema.ts";
import { ModelRecord } from "../../src/domain/models/model-record.ts";
import { DAY_MS } from "../../src/lib/time.ts";
import { findRegistryFaults, readRegistryCopy, withRegistry } from "../support/local-state.ts";
import { startScript, TRAIN_MEDIAN } from "../support/run-script.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";
import { CSV_ROWS, writeStonesCsv } from "../support/stones-csv.ts";

const folder = createScratchFolder();
const state = join(folder.path, "state");

const runScript = (script: string, ...args: string[]) =>
  startScript([...args, "--state", state], script).finished;
const readAliases = () => withRegistry(state, (db) => db.query.aliases.findMany());

beforeAll(async () => {
  // Each run has more stones than the one before, so the result is three versions.
  for (const count of [300, 400, 500]) {
    const path = writeStonesCsv(folder.path, `${count}.csv`, CSV_ROWS.slice(0, count));
    const trained = await runScript(
      TRAIN_MEDIAN,
      "--data",
      path,
      "--promote",
      count === 300 ? "auto" : "never",
    );
    expect(trained.code, trained.output).toBe(0);
  }
});
afterAll(() => folder.remove());

/** The newest copy of the registry in the bucket, which must be equal to the registry. */
async function readCurrentCopy() {
  const { newest, expected } = await readRegistryCopy(state);
  expect(newest).toEqual(expected);
  return expected;
}

test("a training run leaves a copy of the registry in the bucket, whether it promotes or not", async () => {
  const { aliases, models } = await readCurrentCopy();
  expect(aliases).toMatchObject([{ alias: "champion", name: "median-price", version: 1 }]);
  // The champion, and the newest version.
  expect(models.map(({ version }) => version)).toEqual([1, 3]);
});

describe("npm run promote", () => {
  test("moves the champion, and the history keeps the reason and the previous version", async () => {
    const moved = await runScript("scripts/promote.ts", "median-price@3", "--reason", "it's better; really");
    expect(moved.output).toContain("champion: median-price@1 -> median-price@3");
    const back = await runScript("scripts/promote.ts", "median-price@1", "--reason", "no, it is not");
    expect(back.code, back.output).toBe(0);
    expect(await readAliases()).toMatchObject([
      { alias: "champion", name: "median-price", version: 1, revision: 3 },
    ]);
    const history = await withRegistry(state, (db) => db.query.aliasHistory.findMany());
    expect(
      history.map(({ revision, version, fromVersion, reason }) => [revision, version, fromVersion, reason]),
    ).toEqual([
      [1, 1, null, expect.stringContaining("first champion")],
      [2, 3, 1, "it's better; really"],
      [3, 1, 3, "no, it is not"],
    ]);
    expect((await readCurrentCopy()).aliases).toMatchObject([{ alias: "champion", version: 1 }]);
  });

  test("points the challenger at a version, with its percentage of predictions", async () => {
    const moved = await runScript(
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
    expect(await readAliases()).toContainEqual(
      expect.objectContaining({ alias: "challenger", version: 2, share: 25 }),
    );
  });

  test.each([
    [["median-price@9", "--reason", "x"], "median-price@9 is not in the registry"],
    [["median-price", "--reason", "x"], "median-price is not a model version"],
    [["median-price@1"], "required option '--reason <text>' not specified"],
    [["median-price@1", "--reason", "x", "--share", "5"], "--share needs --alias challenger"],
    [
      ["median-price@1", "--reason", "x", "--alias", "median-price"],
      "--alias: median-price is the name of a model",
    ],
  ])("%j is refused", async (args, message) => {
    const { code, output } = await runScript("scripts/promote.ts", ...args);
    expect(output).toContain(message);
    expect(code).toBe(1);
  });
});

describe("npm run keys", () => {
  test("prints a key once, stores only its hash, lists it and revokes it", async () => {
    const created = await runScript(
      "scripts/keys.ts",
      "create",
      "--name",
      "don's shop",
      "--scopes",
      "predict,appraise",
      "--days",
      "30",
    );
    const key = /^facet_[\w-]{43}$/m.exec(created.output)?.[0] ?? "";
    const readKeys = () => withRegistry(state, (db) => db.query.keys.findMany());
    expect(await readKeys()).toMatchObject([
      {
        name: "don's shop",
        scopes: ["predict", "appraise"],
        hash: createHash("sha256").update(key).digest("hex"),
        revokedAt: null,
      },
    ]);
    expect(JSON.stringify(await readKeys())).not.toContain(key);
    const copy = await readCurrentCopy();
    expect(copy.keys).toMatchObject([{ name: "don's shop", revokedAt: null }]);
    expect(JSON.stringify(copy)).not.toContain(key);

    const duplicate = await runScript(
      "scripts/keys.ts",
      "create",
      "--name",
      "don's shop",
      "--scopes",
      "predict",
    );
    expect(duplicate).toMatchObject({
      code: 1,
      output: expect.stringContaining("a key named don's shop already exists"),
    });
    expect((await runScript("scripts/keys.ts", "revoke", "--name", "don's shop")).code).toBe(0);
    expect((await readKeys())[0]?.revokedAt).not.toBeNull();
    expect((await readCurrentCopy()).keys[0]?.revokedAt).not.toBeNull();
    expect((await runScript("scripts/keys.ts", "list")).output).toContain("don's shop");
    for (const name of ["anonymous", "don's shop: north"]) {
      const refused = await runScript("scripts/keys.ts", "create", "--name", name, "--scopes", "predict");
      expect(refused).toMatchObject({
        code: 1,
        output: expect.stringContaining("--name must not contain a colon"),
      });
    }
    const unknownScope = await runScript(
      "scripts/keys.ts",
      "create",
      "--name",
      "x",
      "--scopes",
      "predict,everything",
    );
    expect(unknownScope).toMatchObject({
      code: 1,
      output: expect.stringContaining("--scopes must be one or more of predict,appraise,admin"),
    });
  });
});

test("a bucket that cannot be written is a warning: the key exists", async () => {
  const bucket = join(state, "v3/r2");
  renameSync(bucket, `${bucket}-away`);
  writeFileSync(bucket, "");
  const args = ["create", "--name", "without copy", "--scopes", "predict"];
  const { code, output } = await runScript("scripts/keys.ts", ...args);
  rmSync(bucket);
  renameSync(`${bucket}-away`, bucket);
  expect(output).toContain("warning: the copy of the registry in the bucket was not updated");
  expect(output).toContain("is shown only this once");
  expect(code).toBe(0);
});

test("npm run models -- export writes a version, and later another one in its place", async () => {
  const out = join(folder.path, "export");
  const read = (name: string) => readFileSync(join(out, name));
  const hash = (name: string) => createHash("sha256").update(read(name)).digest("hex");
  const exportModel = (model: string) => runScript("scripts/models.ts", "export", model, "--out", out);

  const newest = await exportModel("median-price");
  expect(newest.output).toContain(`median-price@3 -> ${out}: model.onnx, `);
  const [row, dataset] = await withRegistry(state, async (db) => [
    await db.query.models.findFirst({ where: eq(models.version, 3) }),
    await db.query.datasets.findFirst({ where: eq(datasets.rows, 500) }),
  ]);
  expect([hash("model.onnx"), `reports/${hash("model-card.html")}.html`]).toEqual([row?.sha256, row?.report]);
  const record = JSON.parse(read("metadata.json").toString());
  expect(Object.keys(record)).toEqual(Object.keys(ModelRecord.shape));
  const { dataset: _, report: __, ...columns } = row!;
  expect(record).toEqual({
    ...columns,
    dataset: dataset?.id,
    datasetRows: 500,
    sources: [expect.objectContaining({ name: "500.csv", rows: 500, rejected: {} })],
  });

  const champion = await exportModel("champion");
  expect(champion.output).toContain("median-price@1 -> ");
  const refused = await exportModel("median-price@9");
  expect(refused).toEqual({ code: 1, output: "median-price@9 is not in the registry\n" });
  expect(parse(read("MLmodel").toString()).metadata.model).toBe("median-price@1");
});

describe("npm run models -- prune", () => {
  test("deletes only versions that no alias points at", async () => {
    const path = writeStonesCsv(folder.path, "600.csv", CSV_ROWS.slice(0, 600));
    for (const seed of ["1", "2"]) {
      const trained = await runScript(TRAIN_MEDIAN, "--data", path, "--promote", "never", "--seed", seed);
      expect(trained.code, trained.output).toBe(0);
    }
    const readVersions = () =>
      withRegistry(state, async (db) => (await db.query.models.findMany()).map(({ version }) => version));
    const dryRun = await runScript("scripts/models.ts", "prune", "--keep", "1", "--dry-run");
    expect(dryRun.output).toMatch(/1 versions and \d files would be deleted; 4 versions stay/);
    expect(await readVersions()).toEqual([1, 2, 3, 4, 5]);

    // Version 4 was a canary until some days ago. It is kept if that was recently.
    const setCanaryEnd = async (days: number) => {
      const getTime = (daysAgo: number) => new Date(Date.now() - daysAgo * DAY_MS).toISOString();
      const move = { alias: "other", name: "median-price", version: 1, actor: "test", reason: "test" };
      await withRegistry(state, async (db) => {
        await db.delete(aliasHistory).where(eq(aliasHistory.alias, "other"));
        await db.insert(aliasHistory).values([
          { ...move, revision: 1, at: getTime(days + 100), canaryName: "median-price", canaryVersion: 4 },
          { ...move, revision: 2, at: getTime(days) },
        ]);
      });
    };
    await setCanaryEnd(30);
    const kept = await runScript("scripts/models.ts", "prune", "--keep", "1", "--dry-run");
    expect(kept.output).toContain("0 versions and 0 files would be deleted; 5 versions stay");
    await setCanaryEnd(100);

    // Version 1 is the champion, 2 is the challenger, 3 was the champion recently, and 5 is the newest.
    const pruned = await runScript("scripts/models.ts", "prune", "--keep", "1");
    expect(pruned.code, pruned.output).toBe(0);
    expect(await readVersions()).toEqual([1, 2, 3, 5]);
    expect((await findRegistryFaults(state)).filter((fault) => !fault.includes("has versions"))).toEqual([]);
  });
});
