/** What browsers are told: of every kind of answer, and of pages on other origins. */
import { env } from "cloudflare:workers";
import { describe, expect, it } from "vitest";
import { call, STONE } from "../support/call.ts";

const SHOP = "https://shop.example";
const origins = (list: string): Env => ({ ...env, CORS_ORIGINS: list }) as unknown as Env;
const listed = origins(`https://other.example, ${SHOP}`);

const ask = (method: string, path: string, headers: Record<string, string> = {}, bindings: Env = listed) =>
  call(path, { method, headers: { origin: SHOP, ...headers } }, bindings);
const preflight = (path: string, method: string, bindings?: Env) =>
  ask("OPTIONS", path, { "access-control-request-method": method }, bindings);

describe("every answer", () => {
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
  ])("to %s %s keeps browsers to what it is for", async (method, path) => {
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

  it("files have the same headers", async () => {
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
    "of %s is GET without the body",
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
    "that is listed in %j may read answers",
    async (list) => {
      const answers = [
        await ask("GET", "/v1/models", {}, origins(list)),
        await ask("GET", "/v1/requests", {}, origins(list)),
        await ask("POST", "/v1/predictions", { "content-type": "text/xml" }, origins(list)),
        await ask("GET", "/v1/nowhere", {}, origins(list)),
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

  it("asks first, and need not ask again for hours", async () => {
    const { status, response } = await preflight("/v1/aliases/champion", "PUT");
    expect(status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe(SHOP);
    expect(response.headers.get("access-control-allow-methods")).toContain("PUT");
    expect(response.headers.get("access-control-allow-headers")).toMatch(
      /authorization.*content-type.*if-match/,
    );
    expect(Number(response.headers.get("access-control-max-age"))).toBeGreaterThanOrEqual(3600);
  });

  it.each(["", "https://shop.example.evil", "http://shop.example", "null", "https://shop.example:8443"])(
    "may not where the list is %j",
    async (list) => {
      for (const { response } of [
        await preflight("/v1/predictions", "POST", origins(list)),
        await ask("GET", "/v1/models", {}, origins(list)),
      ]) {
        expect(response.headers.get("access-control-allow-origin")).toBeNull();
        expect(response.headers.get("vary")).toMatch(/origin/i);
      }
    },
  );

  it("may not where nothing is said", async () => {
    const { CORS_ORIGINS: _, ...silent } = env;
    const { response } = await ask("GET", "/v1/models", {}, silent as unknown as Env);
    expect(response.headers.get("access-control-allow-origin")).toBeNull();
  });

  it("may be any", async () => {
    const { response } = await ask("GET", "/v1/models", {}, origins("*"));
    expect(response.headers.get("access-control-allow-origin")).toBe("*");
  });
});

describe("OPTIONS without a preflight", () => {
  it("tells the methods of a path, and is none of what is not there", async () => {
    const { status, response } = await ask("OPTIONS", "/v1/predictions");
    expect(status).toBe(204);
    expect(response.headers.get("allow")).toBe("POST");
    expect((await ask("OPTIONS", "/v1/nowhere")).status).toBe(404);
  });
});

describe("a charset", () => {
  it.each([
    ["application/json; charset=latin1", 415],
    ['application/json;charset="utf-16"', 415],
    ["application/json; x=1; Charset=UTF-8", 422],
    ['application/json; charset="utf-8"', 422],
  ])("of %s is %i", async (type, status) => {
    const body = JSON.stringify({ ...STONE, cut: "Ruby" });
    const answer = await call("/v1/predictions", { method: "POST", headers: { "content-type": type }, body });
    expect(answer.status).toBe(status);
  });
});
