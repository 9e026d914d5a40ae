/** Limits: whom a request is counted against, and what those over them are told. */
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type Answer, call, logged, type Refusal, STONE } from "../support/call.ts";
import { openApi } from "../support/contract.ts";
import { faultyDatabase, wrap } from "../support/faults.ts";
import { bearer, CLOSED, makeKey } from "../support/keys.ts";

type Limit = "KEY_LIMIT" | "ADDRESS_LIMIT" | "FAILURE_LIMIT";
const LIMITS: Limit[] = ["KEY_LIMIT", "ADDRESS_LIMIT", "FAILURE_LIMIT"];

/** Bindings with limits of so many requests in all, and what was counted against whom. */
function limited(most: Partial<Record<Limit, number>>, base = CLOSED) {
  const counted: string[] = [];
  const limits = LIMITS.map((name) => {
    const left = new Map<string, number>();
    const limit = async ({ key }: RateLimitOptions) => {
      counted.push(`${name} ${key}`);
      left.set(key, (left.get(key) ?? most[name] ?? Number.POSITIVE_INFINITY) - 1);
      return { success: (left.get(key) ?? 0) >= 0 };
    };
    return [name, wrap(env[name], { limit })] as const;
  });
  const bindings = { ...base, RATE_LIMITS: "on", ...Object.fromEntries(limits) } as unknown as Env;
  return { bindings, counted };
}

const from = (address: string, headers: Record<string, string> = {}) => ({
  headers: { "cf-connecting-ip": address, ...headers },
});
const wrongKey = () => bearer(`facet_${crypto.randomUUID().replaceAll("-", "")}`);

async function expectLimited(answer: Answer, seconds: string, words: string) {
  expect(answer.status).toBe(429);
  expect(answer.response.headers.get("retry-after")).toBe(seconds);
  const problem = JSON.parse(answer.text) as Refusal;
  expect(problem).toMatchObject({ type: "urn:facet:problem:too-many-requests", requestId: answer.id });
  expect(problem.detail).toContain(words);
  expect(problem.detail).toContain(`${seconds} seconds`);
  expect(await logged(answer.id)).toMatchObject({ status: 429, responseBody: answer.text });
}

let key: string;
beforeAll(async () => {
  key = await makeKey("shop", ["predict"]);
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a caller with a key", () => {
  it("is counted by the key, wherever the calls come from", async () => {
    const { bindings, counted } = limited({ KEY_LIMIT: 2, ADDRESS_LIMIT: 0 });
    for (const address of ["192.0.2.1", "192.0.2.2"])
      expect((await call("/v1/models", from(address, bearer(key)), bindings)).status).toBe(200);
    await expectLimited(await call("/v1/models", from("192.0.2.3", bearer(key)), bindings), "10", "shop");
    expect(counted).toEqual(Array(3).fill("KEY_LIMIT shop"));
    const other = await makeKey("other", ["predict"]);
    expect((await call("/v1/models", from("192.0.2.1", bearer(other)), bindings)).status).toBe(200);
  });

  it("is told before anything is done for the request", async () => {
    const { bindings } = limited({ KEY_LIMIT: 0 });
    const asked: string[] = [];
    const watched = {
      ...bindings,
      DB: faultyDatabase(env.DB, async (sql) => {
        if (!sql.includes('"keys"')) asked.push(sql);
      }),
      MODELS: wrap(env.MODELS, { get: () => Promise.reject(new Error("asked for a file")) }),
    };
    const headers = { ...bearer(key), "content-type": "application/json" };
    const answer = await call(
      "/v1/predictions",
      { method: "POST", headers, body: JSON.stringify(STONE) },
      watched,
    );
    await expectLimited(answer, "10", "shop");
    expect(asked).toEqual([]);
    expect(await logged(answer.id)).toMatchObject({ caller: "shop", problem: null });
  });
});

describe("a caller without a key", () => {
  it.each(["/v1/models", "/ready", "/openapi.json", "/docs", "/docs/page.js", "/v1/nowhere"])(
    "is counted at %s",
    async (path) => {
      const { bindings } = limited({ ADDRESS_LIMIT: 1 }, env);
      expect((await call(path, from("192.0.2.1"), bindings)).status).not.toBe(429);
      await expectLimited(await call(path, from("192.0.2.1"), bindings), "10", "your address");
      expect((await call(path, from("192.0.2.2"), bindings)).status).not.toBe(429);
    },
  );

  it("is counted at a preflight too, which a browser sends without the key", async () => {
    const { bindings } = limited({ ADDRESS_LIMIT: 1 });
    const ask = () =>
      call(
        "/v1/predictions",
        {
          method: "OPTIONS",
          headers: {
            "cf-connecting-ip": "192.0.2.7",
            origin: "https://shop.example",
            "access-control-request-method": "POST",
          },
        },
        bindings,
      );
    expect((await ask()).status).toBe(204);
    expect((await ask()).status).toBe(429);
  });

  it("is not at /health, with no key or a wrong one", async () => {
    const { bindings, counted } = limited({ ADDRESS_LIMIT: 0, FAILURE_LIMIT: 0 });
    expect((await call("/health", from("192.0.2.1"), bindings)).status).toBe(200);
    expect((await call("/health", from("192.0.2.1", wrongKey()), bindings)).status).toBe(200);
    expect(counted).toEqual([]);
  });

  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:aaaa::1", "2001:db8:1:2"],
    ["2001:DB8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8::1", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["2001:db8:1:2::", "2001:db8:1:2"],
  ])("at %s is %s", async (address, counts) => {
    const { bindings, counted } = limited({}, env);
    await call("/v1/models", from(address), bindings);
    expect(counted).toEqual([`ADDRESS_LIMIT ${counts}`]);
  });
});

describe("wrong keys", () => {
  it("are limited sooner, and then looked up nowhere", async () => {
    const { bindings } = limited({ FAILURE_LIMIT: 2, ADDRESS_LIMIT: 100 });
    let asked = 0;
    const counted = {
      ...bindings,
      DB: faultyDatabase(env.DB, async () => {
        asked++;
      }),
    };
    const address = "192.0.2.9";
    for (let i = 0; i < 2; i++)
      expect((await call("/v1/models", from(address, wrongKey()), counted)).status).toBe(401);
    for (let i = 0; i < 5; i++)
      await expectLimited(await call("/v1/models", from(address, wrongKey()), counted), "60", "wrong keys");
    expect(asked).toBe(3);
    expect((await call("/v1/models", from("192.0.2.10", wrongKey()), counted)).status).toBe(401);
  });

  it("lock out nobody whose key is known here, and their sender for a minute only", async () => {
    const { bindings } = limited({ FAILURE_LIMIT: 0 });
    const address = "192.0.2.11";
    expect((await call("/v1/models", from(address, bearer(key)), bindings)).status).toBe(200);
    expect((await call("/v1/models", from(address, wrongKey()), bindings)).status).toBe(429);
    expect((await call("/v1/models", from(address, bearer(key)), bindings)).status).toBe(200);
    const late = await makeKey("late", ["predict"]);
    expect((await call("/v1/models", from(address, bearer(late)), bindings)).status).toBe(429);
    vi.setSystemTime(Date.now() + 61_000);
    expect((await call("/v1/models", from(address, bearer(late)), bindings)).status).toBe(200);
  });

  it.each(["Basic c2hvcDpzZWNyZXQ=", "Bearer short"])("are also what is none: %s", async (authorization) => {
    const { bindings, counted } = limited({});
    expect((await call("/v1/models", from("192.0.2.12", { authorization }), bindings)).status).toBe(401);
    expect(counted).toEqual(["FAILURE_LIMIT 192.0.2.12", "ADDRESS_LIMIT 192.0.2.12"]);
  });
});

describe("a limit", () => {
  it("that is not there, or fails, lets everybody through", async () => {
    const { KEY_LIMIT: _, ADDRESS_LIMIT: __, FAILURE_LIMIT: ___, ...without } = env;
    expect((await call("/v1/models", {}, { ...without, RATE_LIMITS: "on" } as unknown as Env)).status).toBe(
      200,
    );
    const limit = () => Promise.reject(new Error("the limiter is down"));
    const failing = { ...env, RATE_LIMITS: "on", ADDRESS_LIMIT: wrap(env.ADDRESS_LIMIT, { limit }) };
    const { status, id } = await call("/v1/models", {}, failing as unknown as Env);
    expect(status).toBe(200);
    expect((await logged(id))?.problem).toBe("ADDRESS_LIMIT did not answer: the limiter is down");
  });

  it.each([undefined, "", "on", "OFF", "no"])("is there where RATE_LIMITS is %j", async (setting) => {
    const { bindings } = limited({ ADDRESS_LIMIT: 0 }, env);
    expect((await call("/v1/models", {}, { ...bindings, RATE_LIMITS: setting } as Env)).status).toBe(429);
  });

  it("is off where that says off", async () => {
    const { bindings, counted } = limited({ ADDRESS_LIMIT: 0 }, env);
    expect((await call("/v1/models", {}, { ...bindings, RATE_LIMITS: "off" } as unknown as Env)).status).toBe(
      200,
    );
    expect(counted).toEqual([]);
  });

  it("of wrangler.toml holds: wrong keys are told to wait", async () => {
    const bindings = { ...CLOSED, RATE_LIMITS: "on" } as unknown as Env;
    const statuses: number[] = [];
    // Twenty where the limiter's minute ends in between.
    while (statuses.at(-1) !== 429 && statuses.length < 30)
      statuses.push((await call("/v1/models", from("198.51.100.7", wrongKey()), bindings)).status);
    expect(statuses.slice(0, -1)).toEqual(Array(statuses.length - 1).fill(401));
    expect(statuses.at(-1)).toBe(429);
    expect(statuses.length).toBeGreaterThan(10);
  });

  it("is documented for each operation but the health check", async () => {
    const { paths } = await openApi();
    for (const [path, methods] of Object.entries(paths))
      for (const { responses } of Object.values(methods))
        expect("429" in responses, path).toBe(path !== "/health");
  });
});
