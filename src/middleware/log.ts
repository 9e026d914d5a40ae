import { createMiddleware } from "hono/factory";
import type { App } from "../http/context.ts";
import { toRecord } from "../log/record.ts";
import { write } from "../log/write.ts";

/** Records each request and its response, whatever its status, after the response is on its way. */
export const log = createMiddleware<App>(async (c, next) => {
  const start = performance.now();
  await next();
  const record = toRecord(c, performance.now() - start);
  const body = c.res.body !== null && c.var.exchange.keepsAnswer ? c.res.clone().text() : null;
  c.executionCtx.waitUntil(
    (async () => {
      const responseBody = await body?.catch(() => null);
      const shadow = await c.var.exchange.shadow?.();
      await write(c.env, { ...record, ...shadow, responseBody: responseBody ?? null });
    })(),
  );
});
