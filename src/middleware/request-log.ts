import { createMiddleware } from "hono/factory";
import type { RequestRecord } from "../db/request-log/requests.ts";
import { createRequestId } from "../domain/request-id.ts";
import type { AppContext, AppEnv, RequestContext } from "../http/context.ts";
import { completeHeaders } from "../http/responses.ts";
import { predictShadow } from "../inference/shadow.ts";
import { RequestTimer } from "../lib/timeout.ts";
import { trackWrite } from "../request-log/write/pending-writes.ts";
import { type LoggedResponse, toRecord } from "../request-log/write/to-record.ts";
import { writeRecord } from "../request-log/write/write-record.ts";

/** The status nginx uses when a client closes the connection before the answer. HTTP itself has none. */
const CLIENT_CLOSED_REQUEST = 499;

/**
 * Creates the context of every request, completes the headers of its response, and logs both after the response
 * was sent, whatever the status.
 */
export const requestLog = createMiddleware<AppEnv>(async (c, next) => {
  const context = createRequestContext();
  c.set("requestContext", context);
  const logged = Promise.withResolvers<void>();
  // This must precede `next`: after a disconnect, the runtime cancels a request without a pending waitUntil.
  c.executionCtx.waitUntil(logged.promise);
  try {
    await next();
    completeHeaders(c);
  } finally {
    const { env } = c;
    const { id, repeatKey, timer } = context;
    const recording = createRecord(c, performance.now() - context.startedAt);
    // A write can take long. It holds the record only, and not the request with its body.
    const writing = recording.then((record) => writeRecord(env, record, { timer, repeatKey }));
    logged.resolve(trackWrite(id, writing));
  }
});

/**
 * The Worker ignores a client's `x-request-id` and makes its own, because the id is the primary key of the log
 * and two clients may send the same one.
 */
function createRequestContext(): RequestContext {
  const at = Date.now();
  return {
    id: createRequestId(at),
    at,
    startedAt: performance.now(),
    timer: new RequestTimer(),
    body: null,
    bodySize: 0,
    route: null,
    caller: null,
    repeatKey: null,
    model: null,
    price: null,
    shadow: null,
    logsResponseBody: false,
    answer: null,
    diagnostics: [],
  };
}

async function createRecord(c: AppContext, durationMs: number): Promise<RequestRecord> {
  const record = toRecord(c, { ...(await readResponse(c)), durationMs });
  const context = c.get("requestContext");
  context.body = null;
  context.answer = null;
  return record;
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
