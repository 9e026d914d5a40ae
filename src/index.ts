import { createApp } from "./app.ts";
import type { RequestRecord } from "./db/requests.ts";
import { consume } from "./log/queue.ts";
import { keepUp } from "./log/upkeep.ts";

const app = createApp();

export default {
  fetch: app.fetch,

  async scheduled({ cron }, env) {
    await keepUp(env, cron);
  },

  queue: consume,
} satisfies ExportedHandler<Env, RequestRecord>;
