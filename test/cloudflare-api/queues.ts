import { randomUUID } from "node:crypto";
import type { Hono } from "hono";
import { ApiError, answer } from "./envelope.ts";

interface Queue {
  readonly queue_id: string;
  readonly queue_name: string;
  readonly consumers: Record<string, unknown>[];
}

/** Routes of an account's queues and their consumers. Queues carry no messages here. */
export function addQueueRoutes(app: Hono): void {
  const queues: Queue[] = [];
  const find = (id: string) => {
    const queue = queues.find(({ queue_id }) => queue_id === id);
    if (queue === undefined) throw new ApiError(404, 10181, `queue ${id} not found`);
    return queue;
  };
  const toConsumer = ({ script_name, ...fields }: Record<string, unknown>) => ({
    ...fields,
    script: script_name,
  });
  app.get("/queues", (c) => {
    const names = c.req.queries("name") ?? [];
    const found = queues.filter(({ queue_name }) => names.length === 0 || names.includes(queue_name));
    return answer(
      c,
      found.map((queue) => ({
        ...queue,
        consumers_total_count: queue.consumers.length,
        producers_total_count: 0,
      })),
    );
  });
  app.post("/queues", async (c) => {
    const { queue_name } = await c.req.json();
    if (queues.some((queue) => queue.queue_name === queue_name))
      throw new ApiError(
        409,
        11009,
        `Queue name '${queue_name}' is already taken. Please use a different name.`,
      );
    const queue = { queue_id: randomUUID(), queue_name, consumers: [] };
    queues.push(queue);
    return answer(c, queue);
  });
  app.post("/queues/:id/consumers", async (c) => {
    const consumer = { consumer_id: randomUUID(), ...toConsumer(await c.req.json()) };
    find(c.req.param("id")).consumers.push(consumer);
    return answer(c, consumer);
  });
  app.put("/queues/:id/consumers/:consumer", async (c) => {
    const { consumers } = find(c.req.param("id"));
    const consumer = consumers.find(({ consumer_id }) => consumer_id === c.req.param("consumer"));
    if (consumer === undefined) throw new ApiError(404, 11001, "consumer not found");
    return answer(c, Object.assign(consumer, toConsumer(await c.req.json())));
  });
}
