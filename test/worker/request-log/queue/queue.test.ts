/** The log with a queue between Worker and database: nothing lost, nothing twice. */
import {
  createExecutionContext,
  createMessageBatch,
  createScheduledController,
  getQueueResult,
} from "cloudflare:test";
import { env as bindings } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { RequestRecord } from "../../../../src/db/request-log/requests.ts";
import worker from "../../../../src/index.ts";
import { DEAD_LETTER_PREFIX, REJECTED_PREFIX } from "../../../../src/request-log/write/dead-letters.ts";
import { DEAD_LETTER_QUEUE, type QueueBinding } from "../../../../src/request-log/write/queue.ts";
import { writeRecord } from "../../../../src/request-log/write/write.ts";
import { call, logged, STONE } from "../../support/call.ts";
import { openApi } from "../../support/contract.ts";
import { faultyDatabase, lost, wrap } from "../../support/faults.ts";
import { generator, ids, letters, row, sorted } from "../../support/log-rows.ts";

const QUEUE = "facet-log";
const env = bindings as typeof bindings & QueueBinding as Env & Required<QueueBinding>;
const random = generator(5);

function records(count: number, changes?: Partial<RequestRecord>): RequestRecord[] {
  return Array.from({ length: count }, () => row(Date.now(), random, changes));
}

const consume = worker.queue;
/** Ids of the records whose messages the queue has handed over for good. */
const delivered = new Set<string>();

/** A consumer of which it is noted what it acknowledges. */
function noted(consumer: typeof worker.queue): typeof worker.queue {
  return async (batch, bindings) => {
    const acked: string[] = [];
    const messages = batch.messages.map((message) =>
      wrap(message, {
        ack: () => {
          acked.push(message.body.id);
          message.ack();
        },
      }),
    );
    await consumer(wrap(batch, { messages }), bindings);
    for (const id of acked) delivered.add(id);
  };
}

/** Waits until the queue has handed over each of its records, however late, and the table holds what it should. */
async function settled(expected: readonly string[], queued = expected): Promise<void> {
  await vi.waitFor(
    async () => {
      expect(queued.filter((id) => !delivered.has(id))).toEqual([]);
      expect(await ids()).toEqual(expected);
    },
    { timeout: 30_000, interval: 50 },
  );
  await scheduler.wait(500);
  expect(await ids()).toEqual(expected);
}

/** Gives a batch to the consumer, as Cloudflare does; returns how each message fared. */
async function deliver(queue: string, bodies: readonly unknown[], consumer: Env = env) {
  const messages = bodies.map((body, i) => ({ id: `m${i}`, timestamp: new Date(), attempts: 1, body }));
  const batch = createMessageBatch<RequestRecord>(
    queue,
    messages as MessageSendRequest<RequestRecord>[] & never,
  );
  const context = createExecutionContext();
  await worker.queue(batch, consumer);
  const { outcome, ackAll, retryBatch, explicitAcks, retryMessages } = await getQueueResult(batch, context);
  expect({ outcome, ackAll, retryBatch }).toEqual({
    outcome: "ok",
    ackAll: false,
    retryBatch: { retry: false },
  });
  return { acked: inOrder(explicitAcks), again: inOrder(retryMessages.map(({ msgId }) => msgId)) };
}

const inOrder = (ids: readonly string[]) => ids.toSorted((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
const numbers = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => `m${from + i}`);

/** A log database that does what the fault says at each statement, counted from 1. */
function withFault(fault: (statement: number) => Promise<void>) {
  let statements = 0;
  const LOG_DB = faultyDatabase(env.LOG_DB, () => fault(++statements));
  return { consumer: { ...env, LOG_DB }, statements: () => statements };
}

const down = () => Promise.reject(lost());
const brokenBucket = () => wrap(env.MODELS, { put: () => Promise.reject(new Error("R2 is down")) });

beforeAll(async () => {
  // The document that answers are checked against is asked for once, and that request is logged too.
  await openApi();
  await vi.waitFor(async () => expect(await ids()).toHaveLength(1), { timeout: 30_000 });
});

beforeEach(async () => {
  delivered.clear();
  vi.spyOn(worker, "queue").mockImplementation(noted(consume));
  await env.LOG_DB.prepare("DELETE FROM requests").run();
  for (const prefix of [DEAD_LETTER_PREFIX, REJECTED_PREFIX])
    await env.MODELS.delete((await letters(prefix)).map((id) => `${prefix}${id}.json`));
});

afterEach(() => {
  vi.restoreAllMocks();
});

describe("with the queue", () => {
  it("a request comes into the log through it", async () => {
    const sent = vi.fn();
    const LOG_QUEUE = wrap(env.LOG_QUEUE, {
      send: (record, options) => {
        sent(record.id);
        return env.LOG_QUEUE.send(record, options);
      },
    });
    const LOG_DB = faultyDatabase(env.LOG_DB, (sql) => (/INSERT/.test(sql) ? down() : Promise.resolve()));
    const body = JSON.stringify({ ...STONE, cut: "Ruby \u0000 💎 é \ud800" });
    const init = { method: "POST", headers: { "content-type": "application/json" }, body };
    const answer = await call("/v1/predictions?model=x", init, { ...env, LOG_QUEUE, LOG_DB } as Env);
    expect(answer.status).toBe(422);
    expect(sent.mock.calls).toEqual([[answer.id]]);
    await settled([answer.id]);
    expect(await logged(answer.id)).toMatchObject({
      method: "POST",
      path: "/v1/predictions",
      query: "model=x",
      status: 422,
      requestBody: body,
      responseBody: answer.text,
    });
  });

  it("300 overlapping requests do, each once", async () => {
    const answers = await Promise.all(
      Array.from({ length: 300 }, (_, i) => call(i % 3 === 0 ? "/v1/nothing" : "/health")),
    );
    await settled(answers.map(({ id }) => id).sort());
  });

  it.each([
    ["at once", () => Promise.reject(new Error("Too Many Requests"))],
    ["by not answering", () => new Promise<never>(() => {})],
  ])("that fails %s, the record goes to the database", async (_, send) => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const rows = records(5);
    const LOG_QUEUE = wrap(env.LOG_QUEUE, { send });
    await Promise.all(rows.map((record) => writeRecord({ ...env, LOG_QUEUE }, record)));
    expect(await ids()).toEqual(sorted(rows));
    expect(warn).toHaveBeenCalledTimes(5);
  });

  it("that fails after it has taken the record, the record is there once", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const rows = records(5);
    const send: QueueBinding["LOG_QUEUE"] = wrap(env.LOG_QUEUE, {
      send: async (record, options) => {
        await env.LOG_QUEUE.send(record, options);
        throw lost();
      },
    });
    await Promise.all(rows.map((record) => writeRecord({ ...env, LOG_QUEUE: send }, record)));
    await settled(sorted(rows));
  });

  it("that fails together with the database, the record goes to the bucket", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const rows = records(5);
    const LOG_QUEUE = wrap(env.LOG_QUEUE, { send: () => Promise.reject(lost()) });
    await Promise.all(rows.map((record) => writeRecord({ ...withFault(down).consumer, LOG_QUEUE }, record)));
    expect(await letters()).toEqual(sorted(rows));
    await worker.scheduled(createScheduledController(), env);
    expect(await ids()).toEqual(sorted(rows));
  });

  it.each([
    ["that just fit a message", 126_000, "x", 1],
    ["that do not", 128_000, "x", 0],
    ["that do not in bytes, though in characters", 64_000, "é", 0],
    ["that go to the bucket", 400_000, "x", 0],
  ])("bodies %s are kept whole", async (_, length, character, sent) => {
    const send = vi.fn<Queue<RequestRecord>["send"]>((record, options) =>
      env.LOG_QUEUE.send(record, options),
    );
    const LOG_QUEUE = wrap(env.LOG_QUEUE, { send });
    const [record] = records(1, { requestBody: character.repeat(length) }) as [RequestRecord];
    await writeRecord({ ...env, LOG_QUEUE }, record);
    expect(send).toHaveBeenCalledTimes(sent);
    await settled([record.id], sent === 1 ? [record.id] : []);
    expect((await logged(record.id))?.requestBody).toBe(record.requestBody);
  });
});

describe("the consumer", () => {
  it("writes a batch with one statement and acknowledges each message", async () => {
    const { consumer, statements } = withFault(async () => {});
    const rows = records(100);
    expect(await deliver(QUEUE, rows, consumer)).toEqual({ acked: numbers(0, 100), again: [] });
    expect(await ids()).toEqual(sorted(rows));
    expect(statements()).toBe(1);
  });

  it("writes large ones with several, below what D1 takes", async () => {
    const { consumer, statements } = withFault(async () => {});
    const rows = records(100, { requestBody: "x".repeat(120_000) });
    expect(await deliver(QUEUE, rows, consumer)).toEqual({ acked: numbers(0, 100), again: [] });
    expect(await ids()).toEqual(sorted(rows));
    expect(statements()).toBe(34);
  });

  it("takes messages that come again, and late ones", async () => {
    const rows = records(10);
    rows.push(...rows.slice(0, 5), row(Date.now() - 86_400_000, random));
    await deliver(QUEUE, rows);
    expect((await deliver(QUEUE, rows)).acked).toHaveLength(16);
    expect(await ids()).toEqual([...new Set(sorted(rows))]);
  });

  it("asks for them again where the database fails", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const rows = records(3);
    const { consumer } = withFault(down);
    expect(await deliver(QUEUE, rows, consumer)).toEqual({ acked: [], again: numbers(0, 3) });
    expect(JSON.parse(warn.mock.calls[0]?.[0])).toMatchObject({ count: 3, error: lost().message });
  });

  it("asks again for those alone that are not committed", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const rows = records(9, { requestBody: "x".repeat(120_000) });
    const { consumer } = withFault(async (n) => (n === 2 ? down() : undefined));
    expect(await deliver(QUEUE, rows, consumer)).toEqual({
      acked: [...numbers(0, 3), ...numbers(6, 9)],
      again: numbers(3, 6),
    });
    expect(await ids()).toEqual(sorted([...rows.slice(0, 3), ...rows.slice(6)]));
  });

  it("lets no refused record stand in the way of the others", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const rows = records(5);
    const { method: _, ...half } = rows[2] as RequestRecord;
    expect(await deliver(QUEUE, rows.with(2, half as RequestRecord))).toEqual({
      acked: ["m0", "m1", "m3", "m4"],
      again: ["m2"],
    });
    expect(await ids()).toEqual(sorted(rows.toSpliced(2, 1)));
  });

  it("says of what is no record that it is none", async () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    const rows = records(2);
    const [one, two] = records(2) as [RequestRecord, RequestRecord];
    const strange = [
      null,
      "text",
      7,
      {},
      { ...one, id: "0" },
      { ...one, at: one.at + 1 },
      { ...two, at: "1" },
    ];
    expect(await deliver(QUEUE, [...strange, ...rows])).toEqual({ acked: ["m7", "m8"], again: [] });
    expect(error).toHaveBeenCalledTimes(strange.length);
    expect(await ids()).toEqual(sorted(rows));
  });
});

describe("the consumer of dead letters", () => {
  it("writes what the database takes by now", async () => {
    const rows = records(20);
    expect(await deliver(DEAD_LETTER_QUEUE, rows)).toEqual({ acked: numbers(0, 20), again: [] });
    expect(await ids()).toEqual(sorted(rows));
    expect(await letters()).toEqual([]);
  });

  it("moves the others to the bucket, from which the cron brings them in", async () => {
    const rows = records(20);
    const { consumer } = withFault(down);
    expect(await deliver(DEAD_LETTER_QUEUE, rows, consumer)).toEqual({ acked: numbers(0, 20), again: [] });
    expect(await letters()).toEqual(sorted(rows));
    await worker.scheduled(createScheduledController(), env);
    expect(await ids()).toEqual(sorted(rows));
    expect(await letters()).toEqual([]);
  });

  it("puts refused ones aside, for people to look at", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const rows = records(3);
    const { method: _, ...half } = rows[1] as RequestRecord;
    expect((await deliver(DEAD_LETTER_QUEUE, rows.with(1, half as RequestRecord))).acked).toHaveLength(3);
    await worker.scheduled(createScheduledController(), env);
    expect(await ids()).toEqual(sorted(rows.toSpliced(1, 1)));
    expect(await letters(REJECTED_PREFIX)).toEqual([half.id]);
  });

  it("keeps them where the bucket fails too, and says them on the console", async () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    const rows = records(3);
    const consumer = { ...withFault(down).consumer, MODELS: brokenBucket() };
    expect(await deliver(DEAD_LETTER_QUEUE, rows, consumer)).toEqual({ acked: [], again: numbers(0, 3) });
    expect(error.mock.calls.map(([line]) => JSON.parse(line).record.id).sort()).toEqual(sorted(rows));
  });
});

/** The simulated queue calls the Worker's own handler: so these faults are put in its place. */
describe("delivery", () => {
  async function sendAll(rows: readonly RequestRecord[]): Promise<void> {
    await Promise.all(rows.map((record) => writeRecord(env, record)));
  }

  /** The batch as the consumer sees it, with nothing of what it says reaching the queue. */
  const deaf = (batch: MessageBatch<RequestRecord>) =>
    wrap(batch, {
      messages: batch.messages.map((message) => wrap(message, { ack: () => {}, retry: () => {} })),
    });

  it.each<[string, typeof worker.queue]>([
    [
      "before it writes",
      async () => {
        throw new Error("killed");
      },
    ],
    [
      "in the middle of the batch",
      async (batch, bindings) => {
        const half = batch.messages.slice(0, Math.ceil(batch.messages.length / 2));
        await consume(deaf(wrap(batch, { messages: half })), bindings);
        throw new Error("killed");
      },
    ],
    [
      "after it has written, before it acknowledges",
      async (batch, bindings) => {
        await consume(deaf(batch), bindings);
        throw new Error("killed");
      },
    ],
  ])("to a consumer that is killed %s happens again: 0 lost, 0 double", async (_, killed) => {
    const handler = vi.spyOn(worker, "queue").mockImplementationOnce(killed).mockImplementationOnce(killed);
    const rows = records(250);
    await sendAll(rows);
    await settled(sorted(rows));
    expect(handler.mock.calls.length).toBeGreaterThanOrEqual(4);
    expect(await letters()).toEqual([]);
  });

  it("to a database that fails goes on until it is back", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const { consumer } = withFault(async (n) => (n <= 2 ? down() : undefined));
    vi.spyOn(worker, "queue").mockImplementation(noted((batch) => consume(batch, consumer)));
    const rows = records(150);
    await sendAll(rows);
    await settled(sorted(rows));
    expect(await letters()).toEqual([]);
  });

  it("to a database that stays down ends in the bucket, and the cron brings all in", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const { consumer, statements } = withFault(down);
    const queues = new Set<string>();
    const handler = noted((batch) => consume(batch, consumer));
    vi.spyOn(worker, "queue").mockImplementation((batch, bindings) => {
      queues.add(batch.queue);
      return handler(batch, bindings);
    });
    const rows = records(30);
    await sendAll(rows);
    await vi.waitFor(async () => expect(await letters()).toEqual(sorted(rows)), { timeout: 30_000 });
    expect([...queues]).toEqual([QUEUE, DEAD_LETTER_QUEUE]);
    expect(statements()).toBeGreaterThanOrEqual(4 + 1);
    expect(await ids()).toEqual([]);
    await worker.scheduled(createScheduledController(), env);
    await settled(sorted(rows));
    expect(await letters()).toEqual([]);
  });
});
