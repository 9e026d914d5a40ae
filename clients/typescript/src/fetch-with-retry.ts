import retry from "p-retry";
import { createConnectionError } from "./errors.ts";
import { isRepeatable, shouldRepeat } from "./repeatable.ts";
import { readRetryAfterMs } from "./retry-after.ts";

/** The part of `fetch` that the client uses. */
export type Fetch = (request: Request, init?: { signal: AbortSignal }) => Promise<Response>;

export interface RetryOptions {
  /** How often a call is sent at most. 1: it is never repeated. */
  readonly attempts: number;
  /** Time for one attempt, until the headers of the answer are there; for JSON, until all of it is there. */
  readonly timeoutMs: number;
  /** A call that the server wants to have later than this is not repeated. */
  readonly maxRetryAfterMs: number;
  readonly fetch: Fetch;
}

/** Wait before the second attempt. It doubles with each attempt, and a random part of up to 100 % is added. */
const FIRST_DELAY_MS = 300;
const MAX_DELAY_MS = 10_000;

/** An answer after which the call may be sent again. It is the result of the call if no attempts are left. */
class TransientAnswer extends Error {
  readonly response: Response;

  constructor(response: Response) {
    super(`status ${response.status}`);
    this.response = response;
  }
}

/**
 * Sends a request, again if that is safe and can help. `Retry-After` is waited for, and a random delay after it,
 * so that callers that were refused together do not come back together.
 * @returns the answer, whatever its status
 * @throws FacetError if there is no answer; the reason of the request's signal if it cancels the call
 */
export async function fetchWithRetry(request: Request, options: RetryOptions): Promise<Response> {
  const { signal } = request;
  const send = async () => {
    const response = await fetchInTime(request, options);
    if (shouldRepeat(request, response)) throw new TransientAnswer(response);
    return response;
  };
  try {
    return await retry(send, {
      retries: options.attempts - 1,
      minTimeout: FIRST_DELAY_MS,
      maxTimeout: MAX_DELAY_MS,
      randomize: true,
      signal,
      shouldRetry: async ({ error }) => {
        if (!(error instanceof TransientAnswer)) return isRepeatable(request);
        const { headers, body } = error.response;
        const waitMs = readRetryAfterMs(headers) ?? 0;
        if (waitMs > options.maxRetryAfterMs) return false;
        await body?.cancel();
        await sleep(waitMs, signal);
        return true;
      },
    });
  } catch (error) {
    if (error instanceof TransientAnswer) return error.response;
    signal.throwIfAborted();
    throw createConnectionError(error);
  }
}

/** Sends the request once. @throws a `TimeoutError` if the answer takes too long */
async function fetchInTime(request: Request, { fetch, timeoutMs }: RetryOptions): Promise<Response> {
  const timeout = new AbortController();
  const message = `The server did not answer within ${timeoutMs / 1000} seconds.`;
  const timer = setTimeout(() => timeout.abort(new DOMException(message, "TimeoutError")), timeoutMs);
  try {
    const signal = AbortSignal.any([request.signal, timeout.signal]);
    const response = await fetch(request.clone(), { signal });
    // A connection that breaks within the answer is found here, so that the call can be repeated.
    if (/\bjson$/.test(readMediaType(response))) await response.clone().arrayBuffer();
    return response;
  } finally {
    clearTimeout(timer);
  }
}

function readMediaType({ headers }: Response): string {
  return (headers.get("content-type") ?? "").split(";", 1)[0]!.trim();
}

async function sleep(ms: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  await new Promise<void>((resolve, reject) => {
    const timer = setTimeout(() => {
      signal.removeEventListener("abort", cancel);
      resolve();
    }, ms);
    const cancel = () => {
      clearTimeout(timer);
      reject(signal.reason);
    };
    signal.addEventListener("abort", cancel, { once: true });
  });
}
