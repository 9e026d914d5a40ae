import { createMiddleware } from "hono/factory";
import type { AppContext, AppEnv } from "../http/context.ts";
import { predictShadow } from "../inference/shadow.ts";
import { trackWrite } from "../request-log/write/pending-writes.ts";
import { type LoggedResponse, toRecord } from "../request-log/write/to-record.ts";
import { writeRecord } from "../request-log/write/write-record.ts";

/** The status nginx uses when a client closes the connection before the answer. HTTP itself has none. */
const CLIENT_CLOSED_REQUEST = 499;

/** Logs every request and its response, whatever the status, after the response was sent. */
export const requestLog = createMiddleware<AppEnv>(async (c, next) => {
  const logged = Promise.withResolvers<void>();
  // This must precede `next`: after a disconnect, the runtime cancels a request without a pending waitUntil.
  c.executionCtx.waitUntil(logged.promise);
  try {
    await next();
  } finally {
    const { id, startedAt } = c.get("requestContext");
    logged.resolve(trackWrite(id, logRequest(c, performance.now() - startedAt)));
  }
});

async function logRequest(c: AppContext, durationMs: number): Promise<void> {
  const response = await readResponse(c);
  await writeRecord(c.env, toRecord(c, { ...response, durationMs }));
}

async function readResponse(c: AppContext): Promise<Omit<LoggedResponse, "durationMs">> {
  if (c.req.raw.signal.aborted) return { status: CLIENT_CLOSED_REQUEST, responseBody: null, shadow: null };
  const { shadow } = c.get("requestContext");
  return {
    // There is no response if something other than an Error was thrown. The runtime then answers 500.
    status: c.finalized ? c.res.status : 500,
    responseBody: await readLoggedBody(c),
    shadow: shadow && (await predictShadow(c, shadow)),
  };
}

/** The body for the log: always that of a problem, and that of a success if its endpoint allows it. */
async function readLoggedBody(c: AppContext): Promise<string | null> {
  const { logsResponseBody, answer } = c.get("requestContext");
  if (!c.finalized || !logsResponseBody) return null;
  if (c.res === answer?.response) return answer.text;
  if (c.res.body === null) return null;
  return c.res
    .clone()
    .text()
    .catch(() => null);
}
