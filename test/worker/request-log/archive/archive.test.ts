import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { insertOutcome } from "../../../../src/db/request-log/outcomes.ts";
import type { RequestRecord } from "../../../../src/db/request-log/requests.ts";
import { HOUR_MS, MINUTE_MS } from "../../../../src/lib/time.ts";
import { rollUp } from "../../../../src/monitoring/rollup.ts";
import { archiveOldDays } from "../../../../src/request-log/archive/archive.ts";
import { QUARANTINE_PREFIX } from "../../../../src/request-log/quarantine.ts";
import { createRandom } from "../../../support/random.ts";
import { emptyStorage } from "../../support/empty-storage.ts";
import { overrideMethods } from "../../support/faults.ts";
import {
  archiveAll,
  createRecordsOfDay,
  NOW,
  readArchive,
  readArchivedRows,
  startOfDay,
} from "../../support/request-log/archive.ts";
import {
  createIdAt,
  createRecord,
  insertRecords,
  readLogIds,
  sortIds,
} from "../../support/request-log/log-rows.ts";

let random: () => number;

beforeEach(async () => {
  await emptyStorage();
  random = createRandom(3);
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("archiveOldDays", () => {
  it("moves the days before the retention period, and the rows keep their values", async () => {
    const old = [
      ...createRecordsOfDay(91, 1500, random),
      ...createRecordsOfDay(92, 10, random),
      ...createRecordsOfDay(200, 3, random),
    ];
    const retained = [...createRecordsOfDay(90, 20, random), ...createRecordsOfDay(0, 20, random)];
    await insertRecords([...old, ...retained]);
    expect(await archiveOldDays(env, NOW)).toBe(1513);
    expect(await readLogIds()).toEqual(sortIds(retained));

    const chunks = await readArchive();
    expect(chunks.map(({ key }) => key.slice(0, 23))).toEqual([
      "log-archive/2026/05/04/",
      "log-archive/2026/08/20/",
      "log-archive/2026/08/21/",
    ]);
    for (const { key } of chunks) expect(key).toMatch(/\.ndjson\.gz$/);
    const compareIds = (a: RequestRecord, b: RequestRecord) => (a.id < b.id ? -1 : 1);
    expect(chunks.flatMap(({ rows }) => rows).sort(compareIds)).toEqual(old.toSorted(compareIds));
    expect(await archiveOldDays(env, NOW)).toBe(0);
  });

  it("splits a day of large bodies into chunks by their size", async () => {
    const large = Array.from({ length: 100 }, (_, i) =>
      createRecord(startOfDay(95) + i, random, {
        requestBody: String(random()).repeat(14_000).slice(0, 250_000),
      }),
    );
    for (let i = 0; i < large.length; i += 5) await insertRecords(large.slice(i, i + 5));
    expect(await archiveAll()).toBe(100);
    expect(await readArchive()).toHaveLength(3);
    expect(sortIds(await readArchivedRows())).toEqual(sortIds(large));
  });

  it("deletes no rows if the chunk cannot be read back", async () => {
    await insertRecords(createRecordsOfDay(91, 50, random));
    const MODELS = overrideMethods(env.MODELS, {
      put: (async (key: string, value: ArrayBuffer, options: R2PutOptions) =>
        env.MODELS.put(key, value.slice(0, -30), options)) as unknown as R2Bucket["put"],
    });
    await expect(archiveOldDays({ ...env, MODELS }, NOW)).rejects.toThrow();
    expect(await readLogIds()).toHaveLength(50);
  });

  it("writes rows that arrive after their day was archived into a new chunk", async () => {
    const all = createRecordsOfDay(91, 100, random);
    await insertRecords(all.slice(0, 60));
    await archiveAll();
    await insertRecords(all.slice(40));
    await archiveAll();
    expect((await readArchive()).map(({ rows }) => rows.length).sort()).toEqual([40, 60]);
    expect(sortIds(await readArchivedRows())).toEqual(sortIds(all));
    expect(await readLogIds()).toEqual([]);
  });

  it("finds the day of a row by its id, and moves rows whose id has no time to the quarantine", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const all = createRecordsOfDay(95, 100, random);
    // These ids are in the middle of the day's ids, before all ids, and after all ids.
    const invalid = ["019ae", `${all[50]?.id}x`, "0' OR 1=1/../é", "0".repeat(1500), "zzz"].map((id) => ({
      ...createRecord(startOfDay(95), random),
      id,
    }));
    // The time of this row differs from the time in its id.
    const inconsistent = { ...all[7]!, at: startOfDay(0) };
    await insertRecords([...all.toSpliced(7, 1, inconsistent), ...invalid]);
    await archiveAll();
    expect(await readLogIds()).toEqual([]);
    const chunks = await readArchive();
    expect(chunks.map(({ key }) => key.slice(0, 23))).toEqual(["log-archive/2026/08/17/"]);
    expect(chunks.flatMap(({ rows }) => rows)).toEqual(all.toSpliced(7, 1, inconsistent));
    const { objects } = await env.MODELS.list({ prefix: QUARANTINE_PREFIX });
    const quarantined = await Promise.all(
      objects.map(async ({ key }) => (await env.MODELS.get(key))?.json<RequestRecord>()),
    );
    expect(quarantined.map((record) => record?.id).sort()).toEqual(sortIds(invalid));
  });

  it("does nothing while another run works", async () => {
    const all = createRecordsOfDay(91, 3000, random);
    await insertRecords(all);
    const movedRows = await Promise.all([1, 2, 3].map(() => archiveOldDays(env, NOW)));
    expect(movedRows.sort((a, b) => a - b)).toEqual([0, 0, 3000]);
    expect(sortIds(await readArchivedRows())).toEqual(sortIds(all));
  });

  it.each(["", "0", "-1", "ninety", "1.5"])("deletes nothing if LOG_RETENTION_DAYS is %j", async (days) => {
    await insertRecords(createRecordsOfDay(400, 5, random));
    await expect(archiveOldDays({ ...env, LOG_RETENTION_DAYS: days } as unknown as Env, NOW)).rejects.toThrow(
      /LOG_RETENTION_DAYS/,
    );
    expect(await readLogIds()).toHaveLength(5);
  });

  it("does not change hourly counts, even if an archived hour is counted again", async () => {
    const bindings = { ...env, LOG_RETENTION_DAYS: "2" } as unknown as Env;
    const readCounts = async (kind: string) => {
      const { results } = await env.LOG_DB.prepare("SELECT * FROM rollups").all();
      return results.filter((rollup) => rollup.kind === kind);
    };
    const rollUpAll = async () => {
      while ((await rollUp(bindings, NOW)) > 1);
    };
    await insertRecords(
      createRecordsOfDay(3, 100, random).map((record) => ({
        ...record,
        route: "/v1/models",
        path: "/v1/models",
      })),
    );
    await rollUpAll();
    const latencyCounts = await readCounts("latency");
    expect(latencyCounts.length).toBe(24);
    while ((await archiveOldDays(bindings, NOW)) > 0);
    expect(await readLogIds()).toEqual([]);

    const reportOutcome = (at: number, price: number) =>
      insertOutcome(env.LOG_DB, {
        prediction: "p",
        item: 0,
        id: createIdAt(at, random),
        at,
        price,
        soldAt: null,
        caller: null,
        predicted: 1000,
        model: "steep",
        modelVersion: 1,
        rangeLow: null,
        rangeHigh: null,
        coverage: null,
      });
    // A late record, and an outcome that was reported in the same hour. Outcomes are not archived.
    const at = startOfDay(3) + MINUTE_MS;
    await insertRecords([createRecord(at, random, { route: "/v1/models", path: "/v1/models" })]);
    await reportOutcome(at, 1250);
    await rollUpAll();
    expect(await readCounts("latency")).toEqual(latencyCounts);
    expect(await readCounts("outcome")).toEqual([
      { hour: Math.floor(at / HOUR_MS), kind: "outcome", subject: "steep@1", counts: "[1,250,0.2]" },
    ]);
    // A correction is counted instead of the first outcome.
    await reportOutcome(NOW, 1100);
    await rollUpAll();
    expect(await readCounts("latency")).toEqual(latencyCounts);
    expect(await readCounts("outcome")).toMatchObject([{ hour: Math.floor(NOW / HOUR_MS) }]);
  });
});
