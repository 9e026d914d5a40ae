/** Records on their way to the log queue. */
import { createScheduledController } from "cloudflare:test";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { RequestRecord } from "../../../../src/db/request-log/requests.ts";
import { writeRecord } from "../../../../src/request-log/write/write-record.ts";
import worker from "../../../../src/worker.ts";
import { createRandom } from "../../../support/random.ts";
import { call, readLogRecord, STONE } from "../../support/call.ts";
import { readOpenApiDocument } from "../../support/contract.ts";
import { emptyStorage } from "../../support/empty-storage.ts";
import { createConnectionLostError, createFaultyDatabase, overrideMethods } from "../../support/faults.ts";
import { createEnvWithLogFault, loseConnection, waitForever } from "../../support/request-log/log-faults.ts";
import {
  createNewRecords,
  readDeadLetterIds,
  readLogIds,
  sortIds,
} from "../../support/request-log/log-rows.ts";
import { ENV_WITH_QUEUE, recordAcknowledgements, waitForDelivery } from "../../support/request-log/queue.ts";

const env = ENV_WITH_QUEUE;
const random = createRandom(5);

beforeAll(async () => {
  // `call` requests the OpenAPI document once. This request is logged too, and must not arrive during a test.
  await readOpenApiDocument();
  await vi.waitFor(async () => expect(await readLogIds()).toHaveLength(1), { timeout: 30_000 });
});

beforeEach(async () => {
  recordAcknowledgements();
  await emptyStorage();
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("a request", () => {
  it("is logged through the queue", async () => {
    const sentIds: string[] = [];
    const LOG_QUEUE = overrideMethods(env.LOG_QUEUE, {
      send: (record, options) => {
        sentIds.push(record.id);
        return env.LOG_QUEUE.send(record, options);
      },
    });
    // The request itself cannot insert its row.
    const LOG_DB = createFaultyDatabase(env.LOG_DB, (sql) =>
      /INSERT/.test(sql) ? loseConnection() : Promise.resolve(),
    );
    const body = JSON.stringify({ ...STONE, cut: "Ruby \u0000 💎 é \ud800" });
    const init = { method: "POST", headers: { "content-type": "application/json" }, body };
    const answer = await call("/v1/predictions?model=x", init, { ...env, LOG_QUEUE, LOG_DB } as Env);
    expect(answer.status).toBe(422);
    expect(sentIds).toEqual([answer.id]);
    await waitForDelivery([answer.id]);
    expect(await readLogRecord(answer.id)).toMatchObject({
      method: "POST",
      path: "/v1/predictions",
      query: "model=x",
      status: 422,
      requestBody: body,
      responseBody: answer.text,
    });
  });

  it("is logged once if 300 requests overlap", async () => {
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, i) => call(i % 3 === 0 ? "/v1/nothing" : "/openapi.json")),
    );
    await waitForDelivery(answers.map(({ id }) => id).sort());
  });
});

describe("writeRecord", () => {
  it.each([
    ["fails", () => Promise.reject(new Error("Too Many Requests"))],
    ["does not answer", waitForever],
  ])("writes to the database if the queue %s", async (_, send) => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const records = createNewRecords(5, random);
    const LOG_QUEUE = overrideMethods(env.LOG_QUEUE, { send });
    await Promise.all(records.map((record) => writeRecord({ ...env, LOG_QUEUE }, record)));
    expect(await readLogIds()).toEqual(sortIds(records));
    expect(warn).toHaveBeenCalledTimes(5);
  });

  it("writes a record once if the queue fails after it has accepted the record", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const records = createNewRecords(5, random);
    const LOG_QUEUE = overrideMethods(env.LOG_QUEUE, {
      send: async (record, options) => {
        await env.LOG_QUEUE.send(record, options);
        throw createConnectionLostError();
      },
    });
    await Promise.all(records.map((record) => writeRecord({ ...env, LOG_QUEUE }, record)));
    await waitForDelivery(sortIds(records));
  });

  it("saves a dead-letter record if the queue and the database fail", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const records = createNewRecords(5, random);
    const LOG_QUEUE = overrideMethods(env.LOG_QUEUE, { send: loseConnection });
    const { bindings } = createEnvWithLogFault(loseConnection);
    await Promise.all(records.map((record) => writeRecord({ ...bindings, LOG_QUEUE }, record)));
    expect(await readDeadLetterIds()).toEqual(sortIds(records));
    await worker.scheduled(createScheduledController(), env);
    expect(await readLogIds()).toEqual(sortIds(records));
  });

  it("writes repeats to the database, because a message for each of them would cost", async () => {
    const send = vi.fn<Queue<RequestRecord>["send"]>((record, options) =>
      env.LOG_QUEUE.send(record, options),
    );
    const LOG_QUEUE = overrideMethods(env.LOG_QUEUE, { send });
    const repeatKey = crypto.randomUUID();
    const records = createNewRecords(20, random);
    await Promise.all(records.map((record) => writeRecord({ ...env, LOG_QUEUE }, record, { repeatKey })));
    expect(send).toHaveBeenCalledTimes(1);
    await waitForDelivery([records[0]!.id]);
    expect((await readLogRecord(records[0]!.id))?.repeats).toBe(19);
  });

  it.each([
    ["126,000 ASCII characters", "through the queue", { length: 126_000, character: "x", sent: 1 }],
    ["128,000 ASCII characters", "directly", { length: 128_000, character: "x", sent: 0 }],
    ["64,000 characters of two bytes", "directly", { length: 64_000, character: "é", sent: 0 }],
    ["400,000 characters", "to the bucket", { length: 400_000, character: "x", sent: 0 }],
  ])("writes a body of %s %s, and keeps all of it", async (_, __, { length, character, sent }) => {
    const send = vi.fn<Queue<RequestRecord>["send"]>((record, options) =>
      env.LOG_QUEUE.send(record, options),
    );
    const LOG_QUEUE = overrideMethods(env.LOG_QUEUE, { send });
    const [record] = createNewRecords(1, random, { requestBody: character.repeat(length) });
    await writeRecord({ ...env, LOG_QUEUE }, record!);
    expect(send).toHaveBeenCalledTimes(sent);
    await waitForDelivery([record!.id], sent === 1 ? [record!.id] : []);
    expect((await readLogRecord(record!.id))?.requestBody).toBe(record!.requestBody);
  });
});
