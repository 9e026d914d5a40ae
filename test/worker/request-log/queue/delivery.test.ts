/** Deliveries by the simulated queue to a consumer that fails. No record is lost, none is written twice. */
import { createScheduledController } from "cloudflare:test";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { RequestRecord } from "../../../../src/db/request-log/requests.ts";
import { writeRecord } from "../../../../src/request-log/write/write-record.ts";
import { DEAD_LETTER_QUEUE } from "../../../../src/settings/retention.ts";
import worker from "../../../../src/worker.ts";
import { createRandom } from "../../../support/random.ts";
import { emptyStorage } from "../../support/empty-storage.ts";
import { overrideMethods } from "../../support/faults.ts";
import { createEnvWithLogFault, loseConnection } from "../../support/request-log/log-faults.ts";
import {
  createNewRecords,
  readDeadLetterIds,
  readLogIds,
  sortIds,
} from "../../support/request-log/log-rows.ts";
import {
  consumeQueue,
  ENV_WITH_QUEUE,
  QUEUE_NAME,
  recordAcknowledgements,
  waitForDelivery,
} from "../../support/request-log/queue.ts";

const env = ENV_WITH_QUEUE;
const random = createRandom(5);

beforeEach(async () => {
  recordAcknowledgements();
  await emptyStorage();
});

afterEach(() => {
  vi.restoreAllMocks();
});

async function sendAll(records: readonly RequestRecord[]): Promise<void> {
  await Promise.all(records.map((record) => writeRecord(env, record)));
}

/** A batch whose acknowledgements and retries do not reach the queue. */
function disconnectBatch(batch: MessageBatch<RequestRecord>): MessageBatch<RequestRecord> {
  return overrideMethods(batch, {
    messages: batch.messages.map((message) => overrideMethods(message, { ack: () => {}, retry: () => {} })),
  });
}

describe("the queue", () => {
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
        await consumeQueue(disconnectBatch(overrideMethods(batch, { messages: half })), bindings);
        throw new Error("killed");
      },
    ],
    [
      "after it has written and before it acknowledges",
      async (batch, bindings) => {
        await consumeQueue(disconnectBatch(batch), bindings);
        throw new Error("killed");
      },
    ],
  ])("delivers the messages again if the consumer is killed %s", async (_, killedConsumer) => {
    const consumer = recordAcknowledgements()
      .mockImplementationOnce(killedConsumer)
      .mockImplementationOnce(killedConsumer);
    const records = createNewRecords(250, random);
    await sendAll(records);
    await waitForDelivery(sortIds(records));
    expect(consumer.mock.calls.length).toBeGreaterThanOrEqual(4);
    expect(await readDeadLetterIds()).toEqual([]);
  });

  it("delivers the messages again until the database works", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const { bindings } = createEnvWithLogFault(async (statement) =>
      statement <= 2 ? loseConnection() : undefined,
    );
    recordAcknowledgements((batch) => consumeQueue(batch, bindings));
    const records = createNewRecords(150, random);
    await sendAll(records);
    await waitForDelivery(sortIds(records));
    expect(await readDeadLetterIds()).toEqual([]);
  });

  it("delivers to the dead-letter queue if the database always fails, and a scheduled job writes all", async () => {
    vi.spyOn(console, "warn").mockImplementation(() => {});
    const { bindings, countStatements } = createEnvWithLogFault(loseConnection);
    const queues = new Set<string>();
    recordAcknowledgements((batch) => {
      queues.add(batch.queue);
      return consumeQueue(batch, bindings);
    });
    const records = createNewRecords(30, random);
    await sendAll(records);
    await vi.waitFor(async () => expect(await readDeadLetterIds()).toEqual(sortIds(records)), {
      timeout: 30_000,
    });
    expect([...queues]).toEqual([QUEUE_NAME, DEAD_LETTER_QUEUE.name]);
    // One attempt and three retries, then at least one attempt from the dead-letter queue.
    expect(countStatements()).toBeGreaterThanOrEqual(4 + 1);
    expect(await readLogIds()).toEqual([]);
    await worker.scheduled(createScheduledController(), env);
    await waitForDelivery(sortIds(records));
    expect(await readDeadLetterIds()).toEqual([]);
  });
});
