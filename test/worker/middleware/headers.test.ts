/** Headers for browsers: security headers, CORS, HEAD and OPTIONS. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { call, STONE } from "../support/call.ts";

const SHOP = "https://shop.example";
const createEnvWithOrigins = (list: string): Env => ({ ...env, CORS_ORIGINS: list }) as unknown as Env;
const envWithShop = createEnvWithOrigins(`https://other.example, ${SHOP}`);

const sendFromShop = (
  method: string,
  path: string,
  headers: Record<string, string> = {},
  bindings: Env = envWithShop,
) => call(path, { method, headers: { origin: SHOP, ...headers } }, bindings);
const sendPreflight = (path: string, method: string, bindings?: Env) =>
  sendFromShop("OPTIONS", path, { "access-control-request-method": method }, bindings);

describe("every response", () => {
  it.each([
    ["GET", "/health"],
    ["HEAD", "/health"],
    ["GET", "/docs"],
    ["GET", "/openapi.json"],
    ["GET", "/v1/models"],
    ["OPTIONS", "/v1/models"],
    ["DELETE", "/v1/models"],
    ["GET", "/v1/nowhere"],
    ["POST", "/v1/predictions"],
    ["GET", "/v1/requests"],
  ])("to %s %s has a strict content security policy", async (method, path) => {
    const { response } = await call(path, { method });
    const header = (name: string) => response.headers.get(name) ?? "";
    const policy = header("content-security-policy");
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).not.toMatch(/unsafe|https?:|\*/);
    expect(header("strict-transport-security")).toMatch(/^max-age=\d{8}/);
    expect(header("x-content-type-options")).toBe("nosniff");
    expect(header("referrer-policy")).toBe("no-referrer");
    expect(header("access-control-allow-origin")).toBe("");
  });

  it("has exactly these headers", async () => {
    const { response } = await call("/health");
    expect(Object.fromEntries(response.headers)).toEqual({
      "access-control-expose-headers": expect.any(String),
      "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
      "content-type": "application/json;charset=UTF-8",
      "referrer-policy": "no-referrer",
      "server-timing": expect.any(String),
      "strict-transport-security": "max-age=31536000",
      vary: "Origin",
      "x-content-type-options": "nosniff",
      "x-request-id": expect.any(String),
    });
  });

  it("for a file has the same security headers", async () => {
    for (const path of ["/docs/page.js", "/docs/swagger-ui.css"]) {
      const { status, headers } = (await call(path)).response;
      expect(status).toBe(200);
      expect(headers.get("content-security-policy")).toMatch(/^default-src 'none';.*frame-ancestors 'none'$/);
      expect(headers.get("x-content-type-options")).toBe("nosniff");
      expect(headers.get("strict-transport-security")).toMatch(/^max-age=\d{8}/);
      expect(headers.get("referrer-policy")).toBe("no-referrer");
    }
  });
});

describe("HEAD", () => {
  it.each(["/health", "/docs", "/docs/page.css", "/openapi.json", "/v1/models"])(
    "%s is answered like GET without the body",
    async (path) => {
      const [head, get] = [await call(path, { method: "HEAD" }), await call(path)];
      expect(head.status).toBe(get.status);
      expect(head.text).toBe("");
      expect(head.response.headers.get("content-type")).toBe(get.response.headers.get("content-type"));
    },
  );
});

describe("a page of another origin", () => {
  it.each([SHOP, `${SHOP} https://x.example`, `,${SHOP},`])(
    "may read responses if the list is %j",
    async (list) => {
      const answers = [
        await sendFromShop("GET", "/v1/models", {}, createEnvWithOrigins(list)),
        await sendFromShop("GET", "/v1/requests", {}, createEnvWithOrigins(list)),
        await sendFromShop(
          "POST",
          "/v1/predictions",
          { "content-type": "text/xml" },
          createEnvWithOrigins(list),
        ),
        await sendFromShop("GET", "/v1/nowhere", {}, createEnvWithOrigins(list)),
      ];
      expect(answers.map(({ status }) => status)).toEqual([200, 401, 400, 404]);
      for (const { response } of answers) {
        expect(response.headers.get("access-control-allow-origin")).toBe(SHOP);
        expect(response.headers.get("access-control-allow-credentials")).toBeNull();
        expect(response.headers.get("access-control-expose-headers")).toContain("x-request-id");
        expect(response.headers.get("vary")).toMatch(/origin/i);
      }
    },
  );

  it("sends a preflight, which is valid for hours", async () => {
    const { status, response } = await sendPreflight("/v1/aliases/champion", "PUT");
    expect(status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe(SHOP);
    expect(response.headers.get("access-control-allow-methods")).toContain("PUT");
    expect(Number(response.headers.get("access-control-max-age"))).toBeGreaterThanOrEqual(3600);
  });

  it.each([
    "authorization,content-type,if-match,x-facet-key",
    "if-none-match,cache-control,pragma,accept-language",
    "x-requested-with,idempotency-key",
    "traceparent,tracestate,baggage,sentry-trace",
  ])("may send the headers %s", async (names) => {
    const { status, response } = await sendFromShop("OPTIONS", "/v1/predictions", {
      "access-control-request-method": "POST",
      "access-control-request-headers": names,
    });
    expect(status).toBe(204);
    expect(response.headers.get("access-control-allow-headers")).toBe(names);
    expect(response.headers.get("vary")).toMatch(/access-control-request-headers/i);
  });

  it("may use its copy of an answer that has not changed", async () => {
    for (const path of ["/v1/models", "/openapi.json", "/docs"]) {
      const first = await sendFromShop("GET", path);
      const tag = first.response.headers.get("etag") ?? "";
      const again = await sendFromShop("GET", path, { "if-none-match": tag });
      expect([again.status, again.text], path).toEqual([304, ""]);
      for (const name of ["access-control-allow-origin", "access-control-expose-headers", "etag", "vary"])
        expect(again.response.headers.get(name), name).toBe(first.response.headers.get(name));
      expect(again.response.headers.get("x-request-id")).toBe(again.id);
      const head = await sendFromShop("HEAD", path, { "if-none-match": tag });
      expect(head.status).toBe(304);
    }
  });

  it.each(["", "https://shop.example.evil", "http://shop.example", "null", "https://shop.example:8443"])(
    "may not read responses if the list is %j",
    async (list) => {
      for (const { response } of [
        await sendPreflight("/v1/predictions", "POST", createEnvWithOrigins(list)),
        await sendFromShop("GET", "/v1/models", {}, createEnvWithOrigins(list)),
      ]) {
        expect(response.headers.get("access-control-allow-origin")).toBeNull();
        expect(response.headers.get("vary")).toMatch(/origin/i);
      }
    },
  );

  it("may not read responses if CORS_ORIGINS is not set", async () => {
    const { CORS_ORIGINS: _, ...envWithoutOrigins } = env;
    const { response } = await sendFromShop("GET", "/v1/models", {}, envWithoutOrigins as unknown as Env);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("may always read responses if the list is *", async () => {
    const { response } = await sendFromShop("GET", "/v1/models", {}, createEnvWithOrigins("*"));
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
  });
});

describe("OPTIONS without a preflight", () => {
  it("answers the methods of a path, and 404 for an unknown path", async () => {
    const { status, response } = await sendFromShop("OPTIONS", "/v1/predictions");
    expect(status).toBe(204);
    expect(response.headers.get("allow")).toBe("POST");
    expect((await sendFromShop("OPTIONS", "/v1/nowhere")).status).toBe(404);
  });
});

describe("a charset", () => {
  it.each([
    ["application/json; charset=latin1", 415],
    ['application/json;charset="utf-16"', 415],
    ["application/json; x=1; Charset=UTF-8", 422],
    ['application/json; charset="utf-8"', 422],
  ])("in %s is answered with %i", async (type, status) => {
    const body = JSON.stringify({ ...STONE, cut: "Ruby" });
    const answer = await call("/v1/predictions", { method: "POST", headers: { "content-type": type }, body });
    expect(answer.status).toBe(status);
  });
});
