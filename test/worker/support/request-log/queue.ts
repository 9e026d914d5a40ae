/** The queue between Worker and log database, and its consumer. */
import { createExecutionContext, createMessageBatch, getQueueResult } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { expect, vi } from "vitest";
import type { RequestRecord } from "../../../../src/db/request-log/requests.ts";
import type { QueueBinding } from "../../../../src/request-log/write/queue.ts";
import worker from "../../../../src/worker.ts";
import { overrideMethods } from "../faults.ts";
import { readLogIds } from "./log-rows.ts";

export const QUEUE_NAME = "facet-log";

/** The bindings of the project `queue` in vitest.config.ts. */
export const ENV_WITH_QUEUE = env as Env as Env & Required<QueueBinding>;

type Consumer = typeof worker.queue;

/** The consumer of the Worker, before a test replaces it. */
export const consumeQueue: Consumer = worker.queue;

const acknowledgedIds = new Set<string>();

/**
 * Replaces the handler that the simulated queue calls by a consumer whose acknowledgements are recorded for
 * {@link waitForDelivery}. Earlier acknowledgements are deleted.
 */
export function recordAcknowledgements(consumer: Consumer = consumeQueue) {
  acknowledgedIds.clear();
  return vi.spyOn(worker, "queue").mockImplementation(async (batch, bindings) => {
    const ids: string[] = [];
    const messages = batch.messages.map((message) =>
      overrideMethods(message, {
        ack: () => {
          ids.push(message.body.id);
          message.ack();
        },
      }),
    );
    await consumer(overrideMethods(batch, { messages }), bindings);
    // The acknowledgements of a consumer that throws do not count.
    for (const id of ids) acknowledgedIds.add(id);
  });
}

/**
 * Waits until the messages of all queued records are acknowledged, and expects exactly the given rows in
 * the log.
 */
export async function waitForDelivery(
  expectedIds: readonly string[],
  queuedIds = expectedIds,
): Promise<void> {
  await vi.waitFor(
    async () => {
      expect(queuedIds.filter((id) => !acknowledgedIds.has(id))).toEqual([]);
      expect(await readLogIds()).toEqual(expectedIds);
    },
    { timeout: 30_000, interval: 50 },
  );
  // A message that is wrongly delivered again arrives within this time.
  await scheduler.wait(500);
  expect(await readLogIds()).toEqual(expectedIds);
}

/**
 * Gives messages with the ids `m0`, `m1`, ... to the consumer. Returns the ids that it acknowledged and
 * retried.
 */
export async function deliverBatch(queue: string, bodies: readonly unknown[], bindings: Env = env) {
  const messages = bodies.map((body, i) => ({ id: `m${i}`, timestamp: new Date(), attempts: 1, body }));
  const batch = createMessageBatch<RequestRecord>(
    queue,
    messages as MessageSendRequest<RequestRecord>[] & never,
  );
  const context = createExecutionContext();
  await worker.queue(batch, bindings);
  const { outcome, ackAll, retryBatch, explicitAcks, retryMessages } = await getQueueResult(batch, context);
  expect({ outcome, ackAll, retryBatch }).toEqual({
    outcome: "ok",
    ackAll: false,
    retryBatch: { retry: false },
  });
  return {
    acknowledged: sortMessageIds(explicitAcks),
    retried: sortMessageIds(retryMessages.map(({ msgId }) => msgId)),
  };
}

function sortMessageIds(ids: readonly string[]): string[] {
  return ids.toSorted((a, b) => Number(a.slice(1)) - Number(b.slice(1)));
}

/** The message ids from `m<from>` to the one before `m<before>`. */
export function createMessageIds(from: number, before: number): string[] {
  return Array.from({ length: before - from }, (_, i) => `m${from + i}`);
}
