import { createMiddleware } from "hono/factory";
import type { AppContext, AppEnv } from "../http/context.ts";
import { toRecord } from "../request-log/write/record.ts";
import { writeRecord } from "../request-log/write/write.ts";

/** What is logged where the client had gone before the answer: HTTP has no status for it, nginx has this one. */
const CLIENT_GONE = 499;

/** Records each request and its response, whatever its status, after the response is on its way. */
export const requestLog = createMiddleware<AppEnv>(async (c, next) => {
  const start = performance.now();
  const kept = Promise.withResolvers<void>();
  // Before all else: a request that nobody waits for any more ends in the middle, unless it is waited for here.
  c.executionCtx.waitUntil(kept.promise);
  try {
    await next();
  } finally {
    kept.resolve(keep(c, performance.now() - start));
  }
});

async function keep(c: AppContext, durationMs: number): Promise<void> {
  const { requestContext: exchange } = c.var;
  const record = toRecord(c, durationMs);
  const gone = c.req.raw.signal.aborted;
  // Without an answer something was thrown that is no error: the runtime makes a 500 of it.
  const status = gone ? CLIENT_GONE : c.finalized ? record.status : 500;
  const silent = gone || !c.finalized || !exchange.logsResponseBody || c.res.body === null;
  const body = silent ? null : c.res.clone().text();
  const responseBody = (await body?.catch(() => null)) ?? null;
  const shadow = gone ? null : await exchange.shadow?.();
  await writeRecord(c.env, { ...record, ...shadow, status, responseBody });
}
