/** The rules of repetition, with a `fetch` of the test and without waiting: the timers are the test's. */
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FacetError } from "../../clients/typescript/src/errors.ts";
import { type Fetch, fetchWithRetry } from "../../clients/typescript/src/fetch-with-retry.ts";

const BASE = "https://facet.example/prices";
const PRICE = ["POST", "/v1/predictions"] as const;
const OUTCOME = ["POST", "/v1/predictions/019ab2f0/outcome"] as const;

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

const answer = (status: number, headers: Record<string, string> = {}) =>
  Promise.resolve(
    new Response(`{"status":${status}}`, {
      status,
      headers: { "content-type": "application/json", ...headers },
    }),
  );
const disconnect = () => Promise.reject(new TypeError("fetch failed"));

interface Attempt {
  readonly atMs: number;
  readonly body: string;
}

/** Makes a call whose attempts are answered by the given functions; the last one answers all later attempts. */
function startCall(
  [method, path]: readonly [string, string],
  answers: readonly Fetch[],
  { signal, attempts = 3 }: { signal?: AbortSignal; attempts?: number } = {},
) {
  const log: Attempt[] = [];
  const start = Date.now();
  const fetch: Fetch = async (request, init) => {
    log.push({ atMs: Date.now() - start, body: await request.clone().text() });
    return (answers[log.length - 1] ?? answers.at(-1)!)(request, init);
  };
  const body = method === "GET" ? null : '{"carat":1}';
  const request = new Request(BASE + path, { method, body, ...(signal && { signal }) });
  const result = fetchWithRetry(request, { attempts, timeoutMs: 5_000, maxRetryAfterMs: 60_000, fetch });
  return { log, result };
}

/** Makes a call and lets its time pass. */
async function run(...args: Parameters<typeof startCall>) {
  const { log, result } = startCall(...args);
  const outcome = result.then(
    (response) => ({ response, error: null }),
    (error: unknown) => ({ response: null, error: error as FacetError }),
  );
  await vi.runAllTimersAsync();
  return { log, ...(await outcome) };
}

describe("a call that is safe to repeat", () => {
  test.each([429, 502, 503, 504, 524])("is sent again after %i, with its body", async (status) => {
    const { log, response } = await run(PRICE, [() => answer(status), () => answer(200)]);
    expect(response?.status).toBe(200);
    expect(log.map(({ body }) => body)).toEqual(['{"carat":1}', '{"carat":1}']);
  });

  test.each([400, 401, 404, 421, 422, 500])("is not sent again after %i", async (status) => {
    const { log, response } = await run(PRICE, [() => answer(status)]);
    expect([log.length, response?.status]).toEqual([1, status]);
  });

  test("is sent at most as often as the attempts say, and the last answer can be read", async () => {
    const { log, response } = await run(PRICE, [() => answer(503)], { attempts: 4 });
    expect(log).toHaveLength(4);
    expect(await response?.json()).toEqual({ status: 503 });
  });

  test("is sent once if there is one attempt", async () => {
    expect((await run(PRICE, [() => answer(503)], { attempts: 1 })).log).toHaveLength(1);
  });

  test("waits as long as Retry-After says, and then a random time", async () => {
    const waits: number[] = [];
    for (const random of [0, 0.999]) {
      vi.spyOn(Math, "random").mockReturnValue(random);
      const { log } = await run(PRICE, [() => answer(429, { "retry-after": "10" }), () => answer(200)]);
      waits.push(log[1]!.atMs);
    }
    expect(waits[0]).toBeGreaterThan(10_000);
    expect(waits[1]).toBeGreaterThan(waits[0]! + 200);
    expect(waits[1]).toBeLessThan(11_000);
  });

  test("waits longer each time without Retry-After", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0.5);
    const { log } = await run(PRICE, [() => answer(503)], { attempts: 4 });
    const waits = log.slice(1).map(({ atMs }, i) => atMs - log[i]!.atMs);
    expect(waits).toEqual([450, 900, 1800]);
  });

  test("is not sent again if the server asks for a longer wait than is allowed", async () => {
    const { log, response } = await run(PRICE, [() => answer(503, { "retry-after": "61" })]);
    expect([log.length, response?.status, await response?.json()]).toEqual([1, 503, { status: 503 }]);
  });

  test("is sent again after a broken connection", async () => {
    const { log, response } = await run(PRICE, [disconnect, () => answer(200)]);
    expect([log.length, response?.status]).toEqual([2, 200]);
  });

  test("is sent again if the connection breaks within the answer", async () => {
    const breakOff = async () => {
      const body = new ReadableStream({
        start: (controller) => controller.enqueue(new TextEncoder().encode('{"price":')),
        pull: (controller) => controller.error(new TypeError("terminated")),
      });
      return new Response(body, { headers: { "content-type": "application/json;charset=UTF-8" } });
    };
    const { log, response } = await run(PRICE, [breakOff, () => answer(200)]);
    expect([log.length, await response?.json()]).toEqual([2, { status: 200 }]);
  });

  test("fails with the type unreachable if no attempt gets an answer, and says why", async () => {
    const refuse = () =>
      Promise.reject(new TypeError("fetch failed", { cause: new Error("connect ECONNREFUSED") }));
    const { log, error } = await run(["GET", "/v1/models"], [refuse]);
    expect(error?.message).toBe("The server cannot be reached (fetch failed: connect ECONNREFUSED).");
    expect(log).toHaveLength(3);
    expect(error).toBeInstanceOf(FacetError);
    expect(error).toMatchObject({ type: "unreachable", status: null, isTransient: true });
  });

  test("fails with the type timeout if no attempt is answered in time", async () => {
    const hang: Fetch = (_, init) =>
      new Promise((_, reject) => init?.signal.addEventListener("abort", () => reject(init.signal.reason)));
    const { log, error } = await run(PRICE, [hang]);
    expect(log).toHaveLength(3);
    expect(log[1]!.atMs).toBeGreaterThan(5_000);
    expect(error).toMatchObject({ type: "timeout", message: "The server did not answer within 5 seconds." });
  });
});

describe("a call that the server may have carried out", () => {
  test.each([
    OUTCOME,
    ["PUT", "/v1/aliases/champion"],
    ["DELETE", "/v1/aliases/challenger"],
    ["DELETE", "/v1/requests/019ab2f0"],
  ] as const)("%s %s is not sent again after 503 or a broken connection", async (...call) => {
    expect((await run(call, [() => answer(503)])).log).toHaveLength(1);
    const { log, error } = await run(call, [disconnect]);
    expect([log.length, error?.type]).toEqual([1, "unreachable"]);
  });

  test("is sent again after 429, and after a 404 that says when to try again", async () => {
    for (const [status, headers] of [
      [429, {}],
      [404, { "retry-after": "2" }],
    ] as const) {
      const { log, response } = await run(OUTCOME, [() => answer(status, headers), () => answer(201)]);
      expect([log.length, response?.status]).toEqual([2, 201]);
    }
    expect((await run(OUTCOME, [() => answer(404)])).log).toHaveLength(1);
  });
});

describe("a call that its caller cancels", () => {
  test("ends at once while it waits for the next attempt, with the caller's reason", async () => {
    const cancel = new AbortController();
    const call = startCall(PRICE, [() => answer(429, { "retry-after": "10" })], { signal: cancel.signal });
    const failed = expect(call.result).rejects.toMatchObject({ name: "AbortError" });
    await vi.advanceTimersByTimeAsync(5_000);
    cancel.abort();
    await failed;
    await vi.runAllTimersAsync();
    expect(call.log).toHaveLength(1);
  });

  test("does not begin to wait if it is cancelled while the answer arrives", async () => {
    const cancel = new AbortController();
    const start = Date.now();
    const refuse = () => {
      cancel.abort();
      return answer(429, { "retry-after": "10" });
    };
    const { result } = startCall(PRICE, [refuse], { signal: cancel.signal });
    const end = result.then(
      () => Number.NaN,
      () => Date.now(),
    );
    await vi.runAllTimersAsync();
    expect((await end) - start).toBeLessThan(1_000);
  });

  test("is not sent at all if it was cancelled before", async () => {
    const { log, error } = await run(PRICE, [() => answer(200)], { signal: AbortSignal.abort() });
    expect([log.length, error?.name]).toEqual([0, "AbortError"]);
  });
});
