/** The commands with `--remote`, while Cloudflare's API and the network have faults. */
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { LOG_DATABASE } from "../../../cloudflare/worker-config.ts";
import { aliasHistory, keys } from "../../../src/db/registry/schema.ts";
import type { FaultRule } from "../../cloudflare-api/faults.ts";
import { type CloudflareApi, startCloudflareApi } from "../../cloudflare-api/start.ts";
import { startScript, TRAIN_MEDIAN } from "../../support/run-script.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";
import { CSV_ROWS, writeStonesCsv } from "../../support/stones-csv.ts";
import {
  addVersions,
  expectSoundRegistry,
  hasObject,
  readVersions,
  runRemote,
  withRemoteRegistry,
} from "./account.ts";

const RATE_LIMITED = { kind: "error", status: 429, retryAfterSeconds: 1 } as const;
const SERVER_ERROR = { kind: "error", status: 500 } as const;
const ANSWER_LOST = { kind: "answer lost" } as const;
const UPLOAD_BREAKS_OFF = { kind: "upload breaks off" } as const;
const CLOSED = { kind: "connection closed before" } as const;

const folder = createScratchFolder();
let api: CloudflareApi;

beforeAll(async () => {
  api = await startCloudflareApi({ withResources: true });
});
afterEach(() => expect(api.unknownCalls()).toEqual([]));
afterAll(async () => {
  await api.close();
  folder.remove();
});

const first = (call: string, fault: FaultRule["fault"]): FaultRule => ({ call, which: [1], fault });

/** Expects that each rule has caused its fault. */
const expectCaused = (rules: readonly FaultRule[]) =>
  expect(api.causedFaults).toEqual(expect.arrayContaining(rules.map(({ call, fault }) => ({ call, fault }))));

test("a training run, whose import takes many polls, loses answers and uploads", async () => {
  const rules = [
    first("d1 import upload", UPLOAD_BREAKS_OFF),
    { call: "d1 import ingest", which: [1], fault: ANSWER_LOST },
    { call: "d1 import poll", which: [70], fault: SERVER_ERROR },
    first("r2 put", UPLOAD_BREAKS_OFF),
    first("r2 get", RATE_LIMITED),
    { call: "d1 query", which: [4], fault: CLOSED },
  ];
  api.setFaults(rules);
  Object.assign(api.imports, { polls: 120, pollMs: 10 });
  const stones = writeStonesCsv(folder.path, "stones.csv", CSV_ROWS.slice(0, 600));
  await runRemote(api, TRAIN_MEDIAN, "--data", stones);
  Object.assign(api.imports, { polls: 0, pollMs: 0 });
  expectCaused(rules);
  expect(await readVersions(api)).toEqual(["median-price@1"]);
  await expectSoundRegistry(api);
});

test("promote, with a fault in each kind of call", async () => {
  const rules = [
    first("d1 query", RATE_LIMITED),
    first("r2 get", SERVER_ERROR),
    // The work is done, so the second attempt violates the keys of its own rows.
    first("d1 import ingest", ANSWER_LOST),
    first("r2 put", CLOSED),
  ];
  api.setFaults(rules);
  const output = await runRemote(api, "scripts/promote.ts", "median-price@1", "--reason", "again");
  expect(output).toContain("champion: median-price@1 -> median-price@1");
  expectCaused(rules);
  const history = await withRemoteRegistry(api, (db) => db.select().from(aliasHistory));
  expect(history.map(({ revision }) => revision)).toEqual([1, 2]);
  await expectSoundRegistry(api);
});

test.each([
  ["500s", SERVER_ERROR, 3],
  ["429s with Retry-After", RATE_LIMITED, 8],
])("keys, with a share of 0.08 of %s", async (_, fault, seed) => {
  api.setFaults([{ call: /./, which: { share: 0.08, seed }, fault }]);
  const name = `key-${fault.status}`;
  const output = await runRemote(api, "scripts/keys.ts", "create", "--name", name, "--scopes", "predict");
  expect(output).toMatch(/facet_[\w-]{43}/);
  await runRemote(api, "scripts/keys.ts", "revoke", "--name", name);
  expect(await runRemote(api, "scripts/keys.ts", "list")).toContain(name);
  expect(api.causedFaults.length).toBeGreaterThan(0);
  const stored = await withRemoteRegistry(api, (db) => db.select().from(keys));
  expect(stored.filter((key) => key.name === name)).toMatchObject([{ revokedAt: expect.any(String) }]);
});

test("prune, whose import is lost after the work", async () => {
  const key = await addVersions(api, "median-price");
  const rules = [
    { call: "d1 import ingest", which: [1, 3], fault: ANSWER_LOST },
    first("r2 delete", ANSWER_LOST),
    { call: "d1 query", which: [2], fault: RATE_LIMITED },
  ];
  api.setFaults(rules);
  await runRemote(api, "scripts/models.ts", "prune", "--keep", "1");
  expectCaused(rules);
  expect(await readVersions(api)).toEqual(["median-price@1", "median-price@3"]);
  expect(await hasObject(api, key)).toBe(false);
});

describe("a command that cannot succeed", () => {
  const listKeys = (environment: NodeJS.ProcessEnv = {}) =>
    startScript(["list", "--remote"], "scripts/keys.ts", { ...api.environment, ...environment }).finished;

  test("ends at once with Cloudflare's reason if Cloudflare asks to wait for an hour", async () => {
    const fault = { kind: "error", status: 429, retryAfterSeconds: 3600 } as const;
    api.setFaults([{ call: "d1 query", which: [1, 2, 3, 4, 5, 6], fault }]);
    const { code, output } = await listKeys();
    expect(code).toBe(1);
    expect(output.trim().split("\n")).toHaveLength(1);
    expect(output).toMatch(
      /requests per 300 seconds reached.* \[code: 10429\].* wait 3600 second.*\(status 429\)/,
    );
    expect(api.causedFaults).toHaveLength(1);
  });

  test("ends at once if the token is not valid, and does not show it", async () => {
    api.setFaults([]);
    const { code, output } = await listKeys({ CLOUDFLARE_API_TOKEN: "a-token-of-nobody" });
    expect(code).toBe(1);
    expect(output).toContain("Authentication error [code: 10000]");
    expect(output).not.toContain("a-token-of-nobody");
  });
});

test("a command waits as long as Cloudflare asks", async () => {
  api.setFaults([first("d1 query", { kind: "error", status: 429, retryAfterSeconds: 6 })]);
  const output = await runRemote(api, "scripts/keys.ts", "list");
  expect(output).toContain("waiting 6 s as Cloudflare asks");
  expect(api.causedFaults).toHaveLength(1);
  expect(api.earlyCalls).toEqual([]);
});

describe("scripts/rollout.ts", () => {
  const rollOut = async (url: string) => {
    const run = startScript(["--url", url, "--check-interval", "0"], "scripts/rollout.ts", api.environment);
    const { code, output } = await run.finished;
    expect(code, output).toBe(0);
  };

  test("deploys first while uploads fail", async () => {
    const rules = [
      first("assets upload", SERVER_ERROR),
      first("script upload", SERVER_ERROR),
      first("schedules", RATE_LIMITED),
    ];
    api.setFaults(rules);
    await rollOut("http://127.0.0.1:1");
    expectCaused(rules);
    expect(api.findScript("facet").schedules).toHaveLength(3);
  });

  test("replaces the version while calls fail", async () => {
    const [old] = api.findScript("facet").versions;
    const rules = [
      first("deployment list", RATE_LIMITED),
      first("version upload", ANSWER_LOST),
      { call: "deployment create", which: [1], fault: ANSWER_LOST },
      { call: "deployment create", which: [4], fault: CLOSED },
      first("subdomain change", SERVER_ERROR),
    ];
    api.setFaults(rules);
    await rollOut(await api.serveWorker("facet"));
    expectCaused(rules);
    const [last] = api.findScript("facet").deployments;
    expect(last!.versions).toMatchObject([{ percentage: 100 }]);
    expect(last!.versions[0]!.version_id).not.toBe(old!.id);
  });
});

test("migrations of the log go on after the last one that was applied", async () => {
  const rules = [
    { call: "d1 query", which: [3], fault: SERVER_ERROR },
    { call: "d1 query", which: [7], fault: ANSWER_LOST },
  ];
  api.setFaults(rules);
  const { applyMigrations } = await import("../../../cloudflare/d1.ts");
  Object.assign(process.env, api.environment);
  await applyMigrations({ kind: "remote" }, [LOG_DATABASE]);
  expectCaused(rules);
  const names = await api.useDatabase(LOG_DATABASE, async (database) =>
    (await database.prepare("SELECT name FROM d1_migrations").all()).results.map(({ name }) => name),
  );
  expect(new Set(names).size).toBe(names.length);
  expect(names.at(-1)).toMatch(/^0008_/);
});
