import { createApp } from "./app.ts";
import type { RequestRecord } from "./db/request-log/requests.ts";
import { consume } from "./request-log/write/queue.ts";
import { keepUp } from "./scheduled.ts";

const app = createApp();

export default {
  fetch: app.fetch,

  async scheduled({ cron }, env) {
    await keepUp(env, cron);
  },

  queue: consume,
} satisfies ExportedHandler<Env, RequestRecord>;
