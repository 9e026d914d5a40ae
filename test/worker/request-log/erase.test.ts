import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { insertOutcome } from "../../../src/db/request-log/outcomes.ts";
import { DAY_MS, MINUTE_MS } from "../../../src/lib/time.ts";
import { continueErasures, deleteExpiredErasedIds } from "../../../src/request-log/erase.ts";
import { saveDeadLetter } from "../../../src/request-log/write/dead-letters.ts";
import { drainDeadLetters } from "../../../src/request-log/write/drain-dead-letters.ts";
import { createRandom } from "../../support/random.ts";
import { call, post, readLogRecord, STONE } from "../support/call.ts";
import { emptyStorage } from "../support/empty-storage.ts";
import { createFaultyDatabase } from "../support/faults.ts";
import { createAuthorizationHeader, createKey } from "../support/keys.ts";
import { pointAlias, publishModel, warmUpRuntime } from "../support/registry.ts";
import {
  archiveAll,
  createRecordsOfDay,
  NOW,
  readArchive,
  readArchivedRows,
  startOfDay,
} from "../support/request-log/archive.ts";
import { createIdAt, createRecord, insertRecords, readLogIds } from "../support/request-log/log-rows.ts";

let random: () => number;
let headers: Record<string, string>;

beforeAll(warmUpRuntime);

beforeEach(async () => {
  await emptyStorage();
  random = createRandom(3);
  headers = createAuthorizationHeader(await createKey("admin", ["admin"]));
});

async function eraseRequest(id: string) {
  const { status, text } = await call(`/v1/requests/${id}`, { method: "DELETE", headers });
  return { status, body: JSON.parse(text) };
}

/** Whether a text is anywhere in the tables of the log or in the bucket. */
async function isStored(text: string): Promise<boolean> {
  const tables = await Promise.all(
    ["requests", "outcomes"].map(
      async (table) => (await env.LOG_DB.prepare(`SELECT * FROM ${table}`).all()).results,
    ),
  );
  const { objects } = await env.MODELS.list();
  const texts = await Promise.all(
    objects
      .filter(({ key }) => key.startsWith("log-") && !key.endsWith(".gz"))
      .map(async ({ key }) => key + (await (await env.MODELS.get(key))?.text())),
  );
  return JSON.stringify([tables, texts, await readArchive()]).includes(text);
}

describe("DELETE /v1/requests/{id}", () => {
  it("erases the row and the outcomes of a prediction", async () => {
    await publishModel({ name: "steep", version: 1, file: "steep" });
    await pointAlias("champion", { name: "steep", version: 1 });
    const secret = "4.117";
    const { id } = (await post<{ id: string }>("/v1/predictions", { ...STONE, z: 4.117 })).body;
    await post(`/v1/predictions/${id}/outcome`, { price: 1234567 });
    await post(`/v1/predictions/${id}/outcome`, { price: 1234568 });
    expect(await isStored(secret)).toBe(true);
    expect(await eraseRequest(id)).toEqual({
      status: 200,
      body: {
        id,
        complete: true,
        remaining: 0,
        erased: { row: true, bodies: false, deadLetter: false, archived: false, outcomes: 2 },
      },
    });
    expect([await isStored(secret), await isStored("123456")]).toEqual([false, false]);
    expect(await readLogRecord(id)).toBeUndefined();
    expect((await eraseRequest(id)).status).toBe(404);
  });

  it("erases large bodies in the bucket", async () => {
    const { id } = await call("/v1/predictions/batch", {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: `{"diamonds":"secret${"x".repeat(600_000)}"}`,
    });
    expect(await isStored("secretxx")).toBe(true);
    expect((await eraseRequest(id)).body.erased).toMatchObject({ row: true, bodies: true });
    expect(await isStored("secret")).toBe(false);
  });

  it("erases a dead-letter record", async () => {
    const record = createRecord(NOW, random, { requestBody: "secret" });
    await saveDeadLetter(env.MODELS, record);
    expect((await eraseRequest(record.id)).body.erased).toMatchObject({ row: false, deadLetter: true });
    expect(await isStored("secret")).toBe(false);
  });

  it("erases an archived request and keeps the other rows of its chunk", async () => {
    const all = createRecordsOfDay(120, 50, random);
    const onlyRowOfDay = createRecord(startOfDay(130), random, { userAgent: "secret" });
    await insertRecords([...all, onlyRowOfDay]);
    await archiveAll();
    const rowsBefore = await readArchivedRows();
    const erased = [all[0]!.id, all[25]!.id, all[49]!.id, onlyRowOfDay.id];
    for (const id of erased) {
      expect((await eraseRequest(id)).body.erased).toMatchObject({ row: false, archived: true });
      expect((await eraseRequest(id)).status).toBe(404);
      expect(JSON.stringify(await readArchive())).not.toContain(id);
    }
    expect(await readArchivedRows()).toEqual(rowsBefore.filter(({ id }) => !erased.includes(id)));
    expect((await call(`/v1/requests/${all[7]?.id}`, { headers })).status).toBe(200);
    // The chunk of the day that had no other row is deleted.
    expect(await readArchive()).toHaveLength(1);
  });

  it("answers 202 for an old request while the archive job works, because the job may be moving it", async () => {
    const all = createRecordsOfDay(120, 3, random);
    const [archived, inTable] = [all[0]!, all[2]!];
    await insertRecords(all.slice(0, 2));
    await archiveAll();
    await insertRecords([inTable]);
    await env.LOG_DB.prepare("INSERT INTO leases VALUES ('archive', 'another', ?)")
      .bind(Date.now() + MINUTE_MS)
      .run();
    for (const { id } of [archived, inTable]) {
      const { status, body } = await eraseRequest(id);
      expect([status, body.complete, body.remaining]).toEqual([202, false, 1]);
      expect((await call(`/v1/requests/${id}`, { headers })).status).toBe(404);
      expect((await eraseRequest(id)).status).toBe(202);
    }
    expect(await readLogIds()).not.toContain(inTable.id);
    // A new request cannot be in the archive.
    const { id } = await call("/health");
    expect((await eraseRequest(id)).status).toBe(200);
    await env.LOG_DB.prepare("DELETE FROM leases").run();
    expect(await eraseRequest(archived.id)).toMatchObject({
      status: 200,
      body: { complete: true, erased: { row: false, archived: true } },
    });
    expect((await eraseRequest(archived.id)).status).toBe(404);
    expect(await continueErasures(env)).toBe(1);
    expect((await eraseRequest(inTable.id)).status).toBe(404);
    expect((await readArchivedRows()).map(({ id }) => id)).toEqual([all[1]!.id]);
  });

  it("erases the outcome requests of an archived prediction", async () => {
    const prediction = createRecord(startOfDay(120), random, {
      price: 1000,
      model: "steep",
      modelVersion: 1,
    });
    const outcomeRequest = createRecord(startOfDay(110), random, { requestBody: '{"price":7654321}' });
    await insertRecords([prediction, outcomeRequest]);
    await insertOutcome(env.LOG_DB, {
      prediction: prediction.id,
      item: 0,
      id: outcomeRequest.id,
      at: outcomeRequest.at,
      price: 7654321,
      soldAt: null,
      caller: null,
      predicted: 1000,
      model: "steep",
      modelVersion: 1,
      rangeLow: null,
      rangeHigh: null,
      coverage: null,
    });
    await archiveAll();
    expect((await eraseRequest(prediction.id)).body.erased).toMatchObject({ archived: true, outcomes: 1 });
    expect(await isStored("7654321")).toBe(false);
  });

  it("erases the outcome that a request reported, and keeps the prediction and its other outcomes", async () => {
    await publishModel({ name: "shallow", version: 1, file: "shallow" });
    const { id } = (await post<{ id: string }>("/v1/predictions?model=shallow", STONE)).body;
    const first = await post(`/v1/predictions/${id}/outcome`, { price: 1234567 });
    const second = await post(`/v1/predictions/${id}/outcome`, { price: 7654321 });
    expect((await eraseRequest(second.id)).body.erased).toMatchObject({ row: true, outcomes: 1 });
    expect(await isStored("7654321")).toBe(false);
    const { text } = await call(`/v1/requests/${id}`, { headers });
    expect(JSON.parse(text).outcomes).toMatchObject([{ id: first.id, price: 1234567 }]);
    expect((await eraseRequest(first.id)).body.erased).toMatchObject({ row: true, outcomes: 1 });
    expect(await isStored("1234567")).toBe(false);
    expect((await call(`/v1/requests/${id}`, { headers })).status).toBe(200);
  });

  it("answers 404 to an outcome whose prediction is erased meanwhile", async () => {
    const route = "/v1/predictions";
    const priced = { method: "POST", path: route, route, price: 1000, model: "steep", modelVersion: 1 };
    const prediction = createRecord(startOfDay(1), random, priced);
    await insertRecords([prediction]);
    const LOG_DB = createFaultyDatabase(env.LOG_DB, async (sql) => {
      if (sql.includes('insert into "outcomes"')) await eraseRequest(prediction.id);
    });
    const path = `/v1/predictions/${prediction.id}/outcome`;
    expect((await post(path, { price: 1100 }, { ...env, LOG_DB })).status).toBe(404);
    expect((await env.LOG_DB.prepare("SELECT * FROM outcomes").all()).results).toEqual([]);
  });

  it("keeps a dead-letter record out of the log even if the drain has already read it", async () => {
    // The records are new, because a late record needs a batch, and wrapped statements cannot be in one.
    const record = createRecord(Date.now(), random, { requestBody: "secret" });
    await saveDeadLetter(env.MODELS, record);
    const eraseBeforeInsert = async (sql: string) => {
      if (sql.startsWith("INSERT INTO requests")) await eraseRequest(record.id);
    };
    await drainDeadLetters({ ...env, LOG_DB: createFaultyDatabase(env.LOG_DB, eraseBeforeInsert) });
    const other = createRecord(Date.now(), random);
    await insertRecords([record, other]);
    const ids = await readLogIds();
    expect([ids.includes(record.id), ids.includes(other.id)]).toEqual([false, true]);
    expect(await isStored("secret")).toBe(false);
  });

  it("keeps a record out of the log if it arrives after its erasure", async () => {
    const record = createRecord(Date.now(), random, { requestBody: "secret" });
    expect((await eraseRequest(record.id)).status).toBe(404);
    await insertRecords([record]);
    expect(await isStored("secret")).toBe(false);
  });

  it("keeps the ids of erased requests for 30 days and then deletes objects that arrived late", async () => {
    const all = [createRecord(NOW, random), createRecord(NOW, random)];
    await insertRecords(all);
    for (const { id } of all) await eraseRequest(id);
    const countErasedIds = async () =>
      (await env.LOG_DB.prepare("SELECT id FROM forgotten").all()).results.length;
    expect(await countErasedIds()).toBe(2);
    await env.MODELS.put(`log-bodies/${all[0]?.id}.json`, "secret");
    expect(await deleteExpiredErasedIds(env, Date.now() + 29 * DAY_MS)).toBe(0);
    expect([await countErasedIds(), await isStored("secret")]).toEqual([2, true]);
    expect(await deleteExpiredErasedIds(env, Date.now() + 31 * DAY_MS)).toBe(2);
    expect([await countErasedIds(), await isStored("secret")]).toEqual([0, false]);
  });

  it("answers 404 for unknown ids, and 401 without a key", async () => {
    for (const id of ["x", createIdAt(NOW, random), createIdAt(startOfDay(300), random)])
      expect((await eraseRequest(id)).status).toBe(404);
    expect((await call("/v1/requests/x", { method: "DELETE" })).status).toBe(401);
  });
});
