import { createApp } from "./app.ts";
import type { RequestRecord } from "./db/request-log/requests.ts";
import { consumeQueue } from "./request-log/write/queue.ts";
import { runScheduledJobs } from "./scheduled.ts";

const app = createApp();

export default {
  fetch: app.fetch,

  async scheduled({ cron }, env) {
    await runScheduledJobs(env, cron);
  },

  queue: consumeQueue,
} satisfies ExportedHandler<Env, RequestRecord>;
