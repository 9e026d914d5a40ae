/** Rate limits: which caller a request counts for, and the response to a caller over a limit. */
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { type Answer, call, type ProblemDetails, readLogRecord, STONE } from "../support/call.ts";
import { moveClock } from "../support/clock.ts";
import { readOpenApiDocument } from "../support/contract.ts";
import { createFaultyDatabase, overrideMethods } from "../support/faults.ts";
import { createAuthorizationHeader, createKey, ENV_WITH_KEYS } from "../support/keys.ts";

type Limit = "KEY_LIMIT" | "ADDRESS_LIMIT" | "FAILURE_LIMIT";
const LIMITS: Limit[] = ["KEY_LIMIT", "ADDRESS_LIMIT", "FAILURE_LIMIT"];

/** Creates bindings that allow a number of requests per caller. `counted` lists each limit and its caller. */
function createLimitedEnv(maxRequests: Partial<Record<Limit, number>>, base = ENV_WITH_KEYS) {
  const counted: string[] = [];
  const limits = LIMITS.map((name) => {
    const remaining = new Map<string, number>();
    const limit = async ({ key }: RateLimitOptions) => {
      counted.push(`${name} ${key}`);
      remaining.set(key, (remaining.get(key) ?? maxRequests[name] ?? Number.POSITIVE_INFINITY) - 1);
      return { success: (remaining.get(key) ?? 0) >= 0 };
    };
    return [name, overrideMethods(env[name], { limit })] as const;
  });
  const bindings = { ...base, RATE_LIMITS: "on", ...Object.fromEntries(limits) } as unknown as Env;
  return { bindings, counted };
}

const createInit = (address: string, headers: Record<string, string> = {}) => ({
  headers: { "cf-connecting-ip": address, ...headers },
});
const createWrongKeyHeader = () =>
  createAuthorizationHeader(`facet_${crypto.randomUUID().replaceAll("-", "")}`);

async function expectLimited(answer: Answer, seconds: string, text: string) {
  expectRefused(answer, seconds, text);
  expect(await readLogRecord(answer.id)).toMatchObject({ status: 429, repeats: null });
}

function expectRefused(answer: Answer, seconds: string, text: string) {
  expect(answer.status).toBe(429);
  expect(answer.response.headers.get("retry-after")).toBe(seconds);
  const problem = JSON.parse(answer.text) as ProblemDetails;
  expect(problem).toMatchObject({ type: "urn:facet:problem:too-many-requests", requestId: answer.id });
  expect(problem.detail).toContain(text);
  expect(problem.detail).toContain(`${seconds} seconds`);
}

let key: string;
beforeAll(async () => {
  key = await createKey("shop", ["predict"]);
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a caller with a key", () => {
  it("is counted by the key, whatever its address is", async () => {
    const { bindings, counted } = createLimitedEnv({ KEY_LIMIT: 2, ADDRESS_LIMIT: 0 });
    for (const address of ["192.0.2.1", "192.0.2.2"])
      expect(
        (await call("/v1/models", createInit(address, createAuthorizationHeader(key)), bindings)).status,
      ).toBe(200);
    await expectLimited(
      await call("/v1/models", createInit("192.0.2.3", createAuthorizationHeader(key)), bindings),
      "10",
      "shop",
    );
    expect(counted).toEqual(Array(3).fill("KEY_LIMIT shop"));
    const other = await createKey("other", ["predict"]);
    expect(
      (await call("/v1/models", createInit("192.0.2.1", createAuthorizationHeader(other)), bindings)).status,
    ).toBe(200);
  });

  it("is refused before the request is processed", async () => {
    const { bindings } = createLimitedEnv({ KEY_LIMIT: 0 });
    const statements: string[] = [];
    const observedEnv = {
      ...bindings,
      DB: createFaultyDatabase(env.DB, async (sql) => {
        if (!sql.includes('"keys"')) statements.push(sql);
      }),
      MODELS: overrideMethods(env.MODELS, { get: () => Promise.reject(new Error("a file was read")) }),
    };
    const headers = { ...createAuthorizationHeader(key), "content-type": "application/json" };
    const answer = await call(
      "/v1/predictions",
      { method: "POST", headers, body: JSON.stringify(STONE) },
      observedEnv,
    );
    await expectLimited(answer, "10", "shop");
    expect(statements).toEqual([]);
    expect(await readLogRecord(answer.id)).toMatchObject({ caller: "shop", problem: null });
  });
});

describe("a caller without a key", () => {
  it.each(["/v1/models", "/ready", "/openapi.json", "/docs", "/docs/page.js", "/v1/nowhere"])(
    "is counted at %s by its address",
    async (path) => {
      const { bindings } = createLimitedEnv({ ADDRESS_LIMIT: 1 }, env);
      expect((await call(path, createInit("192.0.2.1"), bindings)).status).not.toBe(429);
      await expectLimited(await call(path, createInit("192.0.2.1"), bindings), "10", "your address");
      expect((await call(path, createInit("192.0.2.2"), bindings)).status).not.toBe(429);
    },
  );

  it("is also counted at a preflight, which a browser sends without the key", async () => {
    const { bindings } = createLimitedEnv({ ADDRESS_LIMIT: 1 });
    const sendPreflight = () =>
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
    expect((await sendPreflight()).status).toBe(204);
    expect((await sendPreflight()).status).toBe(429);
  });

  it("is not counted at /health, neither without a key nor with a wrong one", async () => {
    const { bindings, counted } = createLimitedEnv({ ADDRESS_LIMIT: 0, FAILURE_LIMIT: 0 });
    expect((await call("/health", createInit("192.0.2.1"), bindings)).status).toBe(200);
    expect((await call("/health", createInit("192.0.2.1", createWrongKeyHeader()), bindings)).status).toBe(
      200,
    );
    expect(counted).toEqual([]);
  });

  it.each([
    ["192.0.2.1", "192.0.2.1"],
    ["2001:db8:1:2:aaaa::1", "2001:db8:1:2"],
    ["2001:DB8:1:2:3:4:5:6", "2001:db8:1:2"],
    ["2001:db8::1", "2001:db8:0:0"],
    ["::1", "0:0:0:0"],
    ["2001:db8:1:2::", "2001:db8:1:2"],
    ["::ffff:192.0.2.1", "192.0.2.1"],
    ["::ffff:c000:201", "192.0.2.1"],
    ["2001:db8:1:2:3", "2001:db8:1:2:3"],
    ["not an address", "not an address"],
  ])("at the address %s counts as %s", async (address, countedAs) => {
    const { bindings, counted } = createLimitedEnv({}, env);
    await call("/v1/models", createInit(address), bindings);
    expect(counted).toEqual([`ADDRESS_LIMIT ${countedAs}`]);
  });
});

describe("wrong keys", () => {
  it("have a lower limit, above which they are not looked up", async () => {
    const { bindings } = createLimitedEnv({ FAILURE_LIMIT: 2, ADDRESS_LIMIT: 100 });
    let lookups = 0;
    const countingEnv = {
      ...bindings,
      DB: createFaultyDatabase(env.DB, async () => {
        lookups++;
      }),
    };
    const address = "192.0.2.9";
    for (let i = 0; i < 2; i++)
      expect(
        (await call("/v1/models", createInit(address, createWrongKeyHeader()), countingEnv)).status,
      ).toBe(401);
    for (let i = 0; i < 5; i++)
      expectRefused(
        await call("/v1/models", createInit(address, createWrongKeyHeader()), countingEnv),
        "60",
        "invalid keys",
      );
    expect(lookups).toBe(3);
    expect(
      (await call("/v1/models", createInit("192.0.2.10", createWrongKeyHeader()), countingEnv)).status,
    ).toBe(401);
  });

  it("block no cached key, and block other keys from the same address for a minute", async () => {
    const { bindings } = createLimitedEnv({ FAILURE_LIMIT: 0 });
    const address = "192.0.2.11";
    expect(
      (await call("/v1/models", createInit(address, createAuthorizationHeader(key)), bindings)).status,
    ).toBe(200);
    expect((await call("/v1/models", createInit(address, createWrongKeyHeader()), bindings)).status).toBe(
      429,
    );
    expect(
      (await call("/v1/models", createInit(address, createAuthorizationHeader(key)), bindings)).status,
    ).toBe(200);
    const uncached = await createKey("uncached", ["predict"]);
    expect(
      (await call("/v1/models", createInit(address, createAuthorizationHeader(uncached)), bindings)).status,
    ).toBe(429);
    moveClock(61);
    expect(
      (await call("/v1/models", createInit(address, createAuthorizationHeader(uncached)), bindings)).status,
    ).toBe(200);
  });

  it.each(["Basic c2hvcDpzZWNyZXQ=", "Bearer short"])(
    "include a header that is not a key: %s",
    async (authorization) => {
      const { bindings, counted } = createLimitedEnv({});
      expect((await call("/v1/models", createInit("192.0.2.12", { authorization }), bindings)).status).toBe(
        401,
      );
      expect(counted).toEqual(["FAILURE_LIMIT 192.0.2.12", "ADDRESS_LIMIT 192.0.2.12"]);
    },
  );
});

describe("a rate limit", () => {
  it("that is missing or fails allows every request", async () => {
    const { KEY_LIMIT: _, ADDRESS_LIMIT: __, FAILURE_LIMIT: ___, ...envWithoutLimits } = env;
    expect(
      (await call("/v1/models", {}, { ...envWithoutLimits, RATE_LIMITS: "on" } as unknown as Env)).status,
    ).toBe(200);
    const limit = () => Promise.reject(new Error("the limiter is down"));
    const failing = {
      ...env,
      RATE_LIMITS: "on",
      ADDRESS_LIMIT: overrideMethods(env.ADDRESS_LIMIT, { limit }),
    };
    const { status, id } = await call("/v1/models", {}, failing as unknown as Env);
    expect(status).toBe(200);
    expect((await readLogRecord(id))?.problem).toBe("ADDRESS_LIMIT did not answer: the limiter is down");
  });

  it.each([undefined, "", "on", "OFF", "no"])("applies if RATE_LIMITS is %j", async (setting) => {
    const { bindings } = createLimitedEnv({ ADDRESS_LIMIT: 0 }, env);
    expect((await call("/v1/models", {}, { ...bindings, RATE_LIMITS: setting } as Env)).status).toBe(429);
  });

  it("does not apply if RATE_LIMITS is off", async () => {
    const { bindings, counted } = createLimitedEnv({ ADDRESS_LIMIT: 0 }, env);
    expect((await call("/v1/models", {}, { ...bindings, RATE_LIMITS: "off" } as unknown as Env)).status).toBe(
      200,
    );
    expect(counted).toEqual([]);
  });

  it("of wrangler.toml applies: wrong keys get a 429", async () => {
    const bindings = { ...ENV_WITH_KEYS, RATE_LIMITS: "on" } as unknown as Env;
    const statuses: number[] = [];
    // The limit is 10 a minute, so up to 20 requests pass if a new minute starts in between.
    while (statuses.at(-1) !== 429 && statuses.length < 30)
      statuses.push(
        (await call("/v1/models", createInit("198.51.100.7", createWrongKeyHeader()), bindings)).status,
      );
    expect(statuses.slice(0, -1)).toEqual(Array(statuses.length - 1).fill(401));
    expect(statuses.at(-1)).toBe(429);
    expect(statuses.length).toBeGreaterThan(10);
  });

  it("is documented for each operation except the health check", async () => {
    const { paths } = await readOpenApiDocument();
    for (const [path, methods] of Object.entries(paths))
      for (const { responses } of Object.values(methods))
        expect("429" in responses, path).toBe(path !== "/health");
  });
});
