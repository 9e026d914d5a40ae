/** Batches of messages that are given to the consumer directly. */
import { createScheduledController } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { DAY_MS } from "../../../../src/lib/time.ts";
import { QUARANTINE_PREFIX } from "../../../../src/request-log/quarantine.ts";
import { DEAD_LETTER_QUEUE } from "../../../../src/settings/retention.ts";
import worker from "../../../../src/worker.ts";
import { createRandom } from "../../../support/random.ts";
import { emptyStorage } from "../../support/empty-storage.ts";
import { createConnectionLostError } from "../../support/faults.ts";
import {
  createBucketThatCannotWrite,
  createEnvWithLogFault,
  loseConnection,
} from "../../support/request-log/log-faults.ts";
import {
  createNewRecords,
  createRecord,
  readDeadLetterIds,
  readLogIds,
  sortIds,
} from "../../support/request-log/log-rows.ts";
import { createMessageIds, deliverBatch, QUEUE_NAME } from "../../support/request-log/queue.ts";

const random = createRandom(5);

beforeEach(emptyStorage);

afterEach(() => {
  vi.restoreAllMocks();
});

describe("the consumer of the log queue", () => {
  it("writes a batch with one statement and acknowledges each message", async () => {
    const { bindings, countStatements } = createEnvWithLogFault(async () => {});
    const records = createNewRecords(100, random);
    expect(await deliverBatch(QUEUE_NAME, records, bindings)).toEqual({
      acknowledged: createMessageIds(0, 100),
      retried: [],
    });
    expect(await readLogIds()).toEqual(sortIds(records));
    expect(countStatements()).toBe(1);
  });

  it("splits large records into statements that D1 accepts", async () => {
    const { bindings, countStatements } = createEnvWithLogFault(async () => {});
    const records = createNewRecords(100, random, { requestBody: "x".repeat(120_000) });
    expect(await deliverBatch(QUEUE_NAME, records, bindings)).toEqual({
      acknowledged: createMessageIds(0, 100),
      retried: [],
    });
    expect(await readLogIds()).toEqual(sortIds(records));
    // A statement takes 14 records.
    expect(countStatements()).toBe(8);
  });

  it("accepts messages that are delivered twice, and messages that are a day old", async () => {
    const records = createNewRecords(10, random);
    records.push(...records.slice(0, 5), createRecord(Date.now() - DAY_MS, random));
    await deliverBatch(QUEUE_NAME, records);
    expect((await deliverBatch(QUEUE_NAME, records)).acknowledged).toHaveLength(16);
    expect(await readLogIds()).toEqual([...new Set(sortIds(records))]);
  });

  it("retries all messages if the database fails", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const { bindings } = createEnvWithLogFault(loseConnection);
    expect(await deliverBatch(QUEUE_NAME, createNewRecords(3, random), bindings)).toEqual({
      acknowledged: [],
      retried: createMessageIds(0, 3),
    });
    expect(JSON.parse(warn.mock.calls[0]?.[0])).toMatchObject({
      count: 3,
      error: createConnectionLostError().message,
    });
  });

  it("retries only the messages that are not committed", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const records = createNewRecords(42, random, { requestBody: "x".repeat(120_000) });
    const { bindings } = createEnvWithLogFault(async (statement) =>
      statement === 2 ? loseConnection() : undefined,
    );
    expect(await deliverBatch(QUEUE_NAME, records, bindings)).toEqual({
      acknowledged: [...createMessageIds(0, 14), ...createMessageIds(28, 42)],
      retried: createMessageIds(14, 28),
    });
    expect(await readLogIds()).toEqual(sortIds([...records.slice(0, 14), ...records.slice(28)]));
  });

  it("writes the other records of a batch if the database rejects one", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const records = createNewRecords(5, random);
    const { method: _, ...incomplete } = records[2]!;
    expect(await deliverBatch(QUEUE_NAME, (records as unknown[]).with(2, incomplete))).toEqual({
      acknowledged: ["m0", "m1", "m3", "m4"],
      retried: ["m2"],
    });
    expect(await readLogIds()).toEqual(sortIds(records.toSpliced(2, 1)));
  });

  it("drops messages that are not log records and prints each to the console log", async () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    const records = createNewRecords(2, random);
    const [first, second] = createNewRecords(2, random);
    const invalidBodies = [
      null,
      "text",
      7,
      {},
      { ...first, id: "0" },
      { ...first, at: first!.at + 1 },
      { ...second, at: "1" },
    ];
    expect(await deliverBatch(QUEUE_NAME, [...invalidBodies, ...records])).toEqual({
      acknowledged: ["m7", "m8"],
      retried: [],
    });
    expect(error).toHaveBeenCalledTimes(invalidBodies.length);
    expect(await readLogIds()).toEqual(sortIds(records));
  });
});

describe("the consumer of the dead-letter queue", () => {
  it("writes the records if the database works again", async () => {
    const records = createNewRecords(20, random);
    expect(await deliverBatch(DEAD_LETTER_QUEUE.name, records)).toEqual({
      acknowledged: createMessageIds(0, 20),
      retried: [],
    });
    expect(await readLogIds()).toEqual(sortIds(records));
    expect(await readDeadLetterIds()).toEqual([]);
  });

  it("saves the records in the bucket if the database still fails, and a scheduled job writes them", async () => {
    const records = createNewRecords(20, random);
    const { bindings } = createEnvWithLogFault(loseConnection);
    expect(await deliverBatch(DEAD_LETTER_QUEUE.name, records, bindings)).toEqual({
      acknowledged: createMessageIds(0, 20),
      retried: [],
    });
    expect(await readDeadLetterIds()).toEqual(sortIds(records));
    await worker.scheduled(createScheduledController(), env);
    expect(await readLogIds()).toEqual(sortIds(records));
    expect(await readDeadLetterIds()).toEqual([]);
  });

  it("saves a rejected record in the bucket, and a scheduled job moves it to the quarantine", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const records = createNewRecords(3, random);
    const { method: _, ...incomplete } = records[1]!;
    const bodies = (records as unknown[]).with(1, incomplete);
    expect((await deliverBatch(DEAD_LETTER_QUEUE.name, bodies)).acknowledged).toHaveLength(3);
    await worker.scheduled(createScheduledController(), env);
    expect(await readLogIds()).toEqual(sortIds(records.toSpliced(1, 1)));
    expect(await readDeadLetterIds(QUARANTINE_PREFIX)).toEqual([incomplete.id]);
  });

  it("retries the messages and prints them to the console log if the database and the bucket fail", async () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    const records = createNewRecords(3, random);
    const { bindings } = createEnvWithLogFault(loseConnection);
    const MODELS = createBucketThatCannotWrite();
    expect(await deliverBatch(DEAD_LETTER_QUEUE.name, records, { ...bindings, MODELS })).toEqual({
      acknowledged: [],
      retried: createMessageIds(0, 3),
    });
    expect(error.mock.calls.map(([line]) => JSON.parse(line).record.id).sort()).toEqual(sortIds(records));
  });
});
