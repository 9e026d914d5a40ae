import { env } from "cloudflare:workers";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { ProblemDetails } from "../../../src/http/errors.ts";
import { type Answer, call, readLogRecord, STONE } from "../support/call.ts";
import { createAuthorizationHeader, createKey } from "../support/keys.ts";
import { pointAlias, publishModel } from "../support/registry.ts";

const createJsonRequest = (body: BodyInit): RequestInit => ({
  method: "POST",
  headers: { "content-type": "application/json" },
  body,
});
const createStoneRequest = (changes: object) => createJsonRequest(JSON.stringify({ ...STONE, ...changes }));
const encoder = new TextEncoder();

/** Expects a problem with this status, and a log record with the same request body and response body. */
async function expectProblem(answer: Answer, status: number, requestBody: string | null) {
  expect(answer.status).toBe(status);
  expect(answer.response.headers.get("content-type")).toBe("application/problem+json");
  const problem = ProblemDetails.parse(JSON.parse(answer.text));
  expect(problem).toMatchObject({ status, requestId: answer.id });
  expect(await readLogRecord(answer.id)).toMatchObject({ status, requestBody, responseBody: answer.text });
  return problem;
}

beforeAll(async () => {
  // The file of this model does not exist. The tests in this file must fail before it is loaded.
  await publishModel({ name: "absent", version: 1 });
  await pointAlias("champion", { name: "absent", version: 1 });
});

describe("an invalid stone", () => {
  const cuts = "cut must be one of Fair, Good, Very Good, Premium, Ideal";
  const colors = "color must be one of J, I, H, G, F, E, D";
  const carats = "carat must be a number above 0 and at most 100 carats";
  const depths = "depth must be a number above 0 and at most 100 percent";
  it.each([
    ["the cut Ruby", { cut: "Ruby" }, "cut", `${cuts}; it is the text "Ruby"`],
    ["a misspelt cut", { cut: "idael" }, "cut", `${cuts}; it is the text "idael": did you mean Ideal?`],
    ["a colour below the list", { color: "K" }, "color", `${colors}; it is the text "K": did you mean J?`],
    ["a number for a cut", { cut: 4 }, "cut", `${cuts}; it is 4`],
    ["a cut of null", { cut: null }, "cut", `${cuts}; it is null`],
    ["an object for a cut", { cut: { grade: "Ideal" } }, "cut", `${cuts}; it is an object`],
    ["no cut", { cut: undefined }, "cut", "cut is required"],
    ["a negative weight", { carat: -1.1 }, "carat", `${carats}; it is -1.1`],
    ["a weight of zero", { carat: 0 }, "carat", `${carats}; it is 0`],
    ["a negative zero", { carat: -0 }, "carat", `${carats}; it is 0`],
    [
      "a weight in quotes",
      { carat: "1.1" },
      "carat",
      `${carats}; it is the text "1.1": send 1.1 without quotes`,
    ],
    ["a decimal comma", { carat: "1,1" }, "carat", `${carats}; it is the text "1,1"`],
    ["an empty weight", { carat: "" }, "carat", `${carats}; it is an empty text`],
    [
      "a long text for a weight",
      { carat: "1".repeat(90) },
      "carat",
      expect.stringContaining("is a text of 90 characters"),
    ],
    ["a weight of null", { carat: null }, "carat", `${carats}; it is null`],
    ["true for a weight", { carat: true }, "carat", `${carats}; it is true`],
    ["a weight above the maximum", { carat: 101 }, "carat", `${carats}; it is 101`],
    ["a list for a depth", { depth: [62] }, "depth", `${depths}; it is a list`],
    ["a depth in quotes", { depth: "62" }, "depth", `${depths}; it is the text "62": send 62 without quotes`],
    ["an x of zero", { x: 0 }, "x", "x must be a number above 0 and at most 100 mm; it is 0"],
    ["a misspelt field", { colour: "H" }, "colour", "colour is not a known field: did you mean color?"],
    ["a field in capital letters", { Carat: 1 }, "Carat", "Carat is not a known field: did you mean carat?"],
    [
      "an unknown field",
      { certificate: "GIA" },
      "certificate",
      "certificate is not a known field: the known fields are carat, cut, color, clarity, depth, table, x, y, z",
    ],
  ])("with %s is rejected and logged", async (_, changes, path, message) => {
    const body = createStoneRequest(changes);
    const answer = await call("/v1/predictions", body);
    const problem = await expectProblem(answer, 422, String(body.body));
    expect(problem).toMatchObject({ type: "urn:facet:problem:invalid-input", errors: [{ path, message }] });
    expect(problem.detail).toEqual(message);
  });

  it.each(["__proto__", "constructor", "toString", "hasOwnProperty"])(
    "with the key %s is rejected",
    async (key) => {
      const body = JSON.stringify(STONE).replace("{", `{${JSON.stringify(key)}:{"carat":1},`);
      const problem = await expectProblem(await call("/v1/predictions", createJsonRequest(body)), 422, body);
      expect(problem.errors).toMatchObject([{ path: key }]);
    },
  );

  it.each([
    ["null", "it is null"],
    ["1", "it is 1"],
    ['"stone"', 'it is the text "stone"'],
    ["true", "it is true"],
  ])("that is %s is rejected because it is not an object", async (body, reason) => {
    const problem = await expectProblem(await call("/v1/predictions", createJsonRequest(body)), 422, body);
    expect(problem.detail).toBe(`a stone must be a JSON object; ${reason}`);
  });

  it("with a number that overflows to infinity is rejected", async () => {
    const body = JSON.stringify(STONE).replace("1.1", "1e309");
    await expectProblem(await call("/v1/predictions", createJsonRequest(body)), 422, body);
  });

  it("is rejected with an error for every invalid field", async () => {
    const answer = await call("/v1/predictions", createJsonRequest("{}"));
    const problem = await expectProblem(answer, 422, "{}");
    expect(problem.errors?.map(({ path }) => path)).toEqual(["carat", "cut", "color", "clarity"]);
    expect(problem.detail).toBe("carat is required; cut is required; color is required; and 1 more");
  });

  it("is rejected with its position if it is in a list", async () => {
    const body = JSON.stringify({ diamonds: [STONE, { ...STONE, cut: "Ruby" }] });
    const problem = await expectProblem(
      await call("/v1/predictions/batch", createJsonRequest(body)),
      422,
      body,
    );
    const message = `${cuts}; it is the text "Ruby"`;
    expect(problem.errors).toEqual([{ path: "diamonds.1.cut", message }]);
    expect(problem.detail).toBe(`1 of the 2 stones is invalid: diamonds.1: ${message}`);
  });
});

describe("a body of another operation", () => {
  const text = JSON.stringify(JSON.stringify(STONE));
  it.each([
    ["/v1/predictions", [STONE], 'this is a list: send {"diamonds": [...]} to /v1/predictions/batch'],
    ["/v1/predictions", [], 'this is a list: send {"diamonds": [...]} to /v1/predictions/batch'],
    ["/v1/predictions", { diamonds: [STONE] }, "this is a batch: send it to /v1/predictions/batch"],
    ["/v1/predictions", text, "this is a text that contains JSON: send the JSON itself"],
    ["/v1/predictions/batch", [STONE], 'this is a list: send {"diamonds": [...]}'],
    [
      "/v1/predictions/batch",
      STONE,
      'this is one stone: send it to /v1/predictions, or send {"diamonds": [stone]}',
    ],
  ])("sent to %s is rejected with where to send it (%#)", async (path, value, message) => {
    const body = typeof value === "string" ? value : JSON.stringify(value);
    const problem = await expectProblem(await call(path, createJsonRequest(body)), 422, body);
    expect(problem).toMatchObject({ detail: message, errors: [{ path: "", message }] });
  });
});

describe("a list of stones", () => {
  it.each([
    ["{}", "diamonds is required"],
    ['{"diamonds":[]}', "diamonds must be a list of 1 to 1000 stones; it has 0"],
    ['{"diamonds":{}}', "diamonds must be a list of 1 to 1000 stones; it is an object"],
    [`{"diamonds":[${Array(1001).fill("{}")}]}`, "diamonds must be a list of 1 to 1000 stones; it has 1001"],
    [
      `{"diamonds":[${Array(300_000).fill("1")}]}`,
      "diamonds must be a list of 1 to 1000 stones; it has 300000",
    ],
  ])("%.40s is rejected because of its length", async (body, message) => {
    const problem = await expectProblem(
      await call("/v1/predictions/batch", createJsonRequest(body)),
      422,
      body,
    );
    expect(problem.errors).toEqual([{ path: "diamonds", message }]);
  });

  it("with a thousand invalid stones is rejected with at most 100 errors", async () => {
    const body = JSON.stringify({ diamonds: Array(1000).fill({}) });
    const problem = await expectProblem(
      await call("/v1/predictions/batch", createJsonRequest(body)),
      422,
      body,
    );
    expect(problem.errors).toHaveLength(100);
    expect(problem.moreErrors).toBe(3900);
    expect(problem.detail).toMatch(/^1000 of the 1000 stones are invalid: .*; and 3997 more$/);
  });

  it("with some invalid stones is rejected with their number", async () => {
    const diamonds = Array.from({ length: 10 }, (_, i) =>
      i % 3 === 1 ? { ...STONE, carat: 0, x: 0 } : STONE,
    );
    const body = JSON.stringify({ diamonds });
    const problem = await expectProblem(
      await call("/v1/predictions/batch", createJsonRequest(body)),
      422,
      body,
    );
    expect(problem.detail).toMatch(/^3 of the 10 stones are invalid: /);
    expect(problem.errors).toHaveLength(6);
    expect(problem).not.toHaveProperty("moreErrors");
  });

  it("with many thousand unknown fields is rejected with at most 100 errors", async () => {
    const fields = Object.fromEntries(Array.from({ length: 20_000 }, (_, i) => [`f${i}`, 1]));
    const body = JSON.stringify({ diamonds: [{ ...STONE, ...fields }] });
    const problem = await expectProblem(
      await call("/v1/predictions/batch", createJsonRequest(body)),
      422,
      body,
    );
    expect(problem.errors).toHaveLength(100);
    expect(problem.moreErrors).toBe(19_900);
  });
});

describe("a request body", () => {
  it.each([
    ["NaN", '{"carat": NaN}'],
    ["a trailing comma", '{"carat": 1,}'],
    ["a truncated object", '{"carat": '],
    ["XML with the content type of JSON", "<stone/>"],
    ["only white space", "  \n "],
    ["a NUL character", '{"carat":\u00001}'],
  ])("with %s is answered with 400", async (_, body) => {
    const problem = await expectProblem(await call("/v1/predictions", createJsonRequest(body)), 400, body);
    expect(problem.detail).toContain("not valid JSON");
  });

  it.each([
    ['{"depth": NaN}', "NaN is not JSON: leave the field out, or send null"],
    ['{"depth": -Infinity, "x": 1}', "-Infinity is not JSON: leave the field out, or send null"],
    ['{"depth": None}', "None is not JSON: leave the field out, or send null"],
    ['{"depth": undefined}', "undefined is not JSON: leave the field out, or send null"],
    ['{"known": True}', "True is not JSON: write true"],
    ["{'carat': 1.1}", "JSON needs double quotes"],
    ['{"carat": 1.1,}', "JSON allows no comma before a closing bracket"],
    ["carat=1.1&cut=Ideal", "This is a form: send a JSON object"],
  ])("that is %s is answered with 400 and an explanation", async (body, explanation) => {
    const problem = await expectProblem(await call("/v1/predictions", createJsonRequest(body)), 400, body);
    expect(problem.detail).toMatch(new RegExp(`^The body is not valid JSON: .*\\. ${explanation}$`));
  });

  it("with deep nesting does not crash the Worker", async () => {
    const body = "[".repeat(500_000);
    await expectProblem(await call("/v1/predictions", createJsonRequest(body)), 400, body);
    const closed = body + "]".repeat(500_000);
    await expectProblem(await call("/v1/predictions", createJsonRequest(closed)), 422, closed);
  });

  it("with bytes that are not UTF-8 is answered with 400", async () => {
    const problem = await expectProblem(
      await call("/v1/predictions", createJsonRequest(new Uint8Array([0x7b, 0xff, 0xfe]))),
      400,
      "{\ufffd\ufffd",
    );
    expect(problem.detail).toBe("The body is not valid UTF-8.");
  });

  it.each([
    { method: "POST" },
    createJsonRequest(""),
    { method: "POST", headers: { "content-type": "text/xml" }, body: "" },
  ])("that is empty is answered with 400 (%#)", async (init) => {
    const answer = await call("/v1/predictions", init);
    expect(answer.status).toBe(400);
    expect(JSON.parse(answer.text).detail).toBe("The body is empty. Send a JSON object.");
    const record = await readLogRecord(answer.id);
    expect(record).toMatchObject({ status: 400 });
    expect(record?.requestBody ?? "").toBe("");
  });

  it.each([
    ["application/xml", "<stone/>"],
    ["text/plain", JSON.stringify(STONE)],
    ["application/x-www-form-urlencoded", "carat=1"],
    ["application/jsonp", "{}"],
  ])("with the content type %s is answered with 415", async (type, body) => {
    const answer = await call("/v1/predictions", { method: "POST", headers: { "content-type": type }, body });
    const problem = await expectProblem(answer, 415, body);
    expect(problem.detail).toContain(type);
    expect(answer.response.headers.get("accept")).toBe("application/json");
  });

  it("without a content type is answered with 415", async () => {
    const body = encoder.encode(JSON.stringify(STONE));
    await expectProblem(await call("/v1/predictions", { method: "POST", body }), 415, JSON.stringify(STONE));
  });

  it("with a content encoding is answered with 415", async () => {
    const gzip = new Response(JSON.stringify(STONE)).body?.pipeThrough(new CompressionStream("gzip"));
    const body = new Uint8Array(await new Response(gzip).arrayBuffer());
    const answer = await call("/v1/predictions", {
      method: "POST",
      headers: { "content-type": "application/json", "content-encoding": "gzip" },
      body,
    });
    expect(answer.status).toBe(415);
  });

  it("is parsed if the content type has a charset or capital letters", async () => {
    for (const type of ["application/json; charset=utf-8", "Application/JSON"]) {
      const answer = await call("/v1/predictions", {
        method: "POST",
        headers: { "content-type": type },
        body: "{}",
      });
      expect(answer.status).toBe(422);
    }
  });
});

describe("a body above 1 MiB", () => {
  const limit = 1_048_576;
  const chunk = encoder.encode("x".repeat(65_536));

  /** Creates a body that is streamed in chunks, without a content length. */
  function createStream(bytes: number): { body: ReadableStream<Uint8Array>; sent: () => number } {
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent >= bytes) return controller.close();
        const next = chunk.subarray(0, Math.min(chunk.byteLength, bytes - sent));
        sent += next.byteLength;
        controller.enqueue(next);
      },
    });
    return { body, sent: () => sent };
  }

  it("is rejected; with a valid key the log keeps the first 1 MiB of it", async () => {
    const init = createJsonRequest("x".repeat(2 * limit));
    const key = createAuthorizationHeader(await createKey("shop", ["predict"]));
    const headers = { "content-type": "application/json", ...key };
    const answer = await call("/v1/predictions", { ...init, headers });
    expect(answer.status).toBe(413);
    expect(JSON.parse(answer.text).detail).toContain("1 MiB");
    const record = await readLogRecord(answer.id);
    expect(record?.status).toBe(413);
    expect(record?.requestBody).toBe("x".repeat(limit));
  });

  it("is rejected without a content length, and is not read to its end", async () => {
    const { body, sent } = createStream(50 * limit);
    const answer = await call("/v1/predictions", createJsonRequest(body));
    expect(answer.status).toBe(413);
    expect(sent()).toBeLessThan(2 * limit);
  });

  it.each(["10", "0", "99999999999"])(
    "is detected by the received bytes if the content length claims %s",
    async (length) => {
      const headers = { "content-type": "application/json", "content-length": length };
      const large = await call("/v1/predictions", {
        method: "POST",
        headers,
        body: createStream(limit + 1).body,
      });
      expect(large.status).toBe(413);
      const small = await call("/v1/predictions", {
        method: "POST",
        headers,
        body: createStream(limit).body,
      });
      expect(small.status).toBe(400);
    },
  );

  it("is answered with 400 if the connection closes early", async () => {
    const body = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.error(new Error("gone")),
    });
    expect((await call("/v1/predictions", createJsonRequest(body))).status).toBe(400);
  });
});

describe("a request with an unknown path, method or parameter", () => {
  it.each([
    ["GET", "/v1/nothing"],
    ["POST", "/v1"],
    ["GET", "/favicon.ico"],
    ["GET", "/v1/models/a/b/c/d"],
    ["DELETE", "/v1/nothing"],
  ])("%s %s is answered with 404", async (method, path) => {
    const answer = await call(path, { method });
    const problem = await expectProblem(answer, 404, null);
    expect(problem.detail).toContain(path);
    expect(await readLogRecord(answer.id)).toMatchObject({ method, path, route: null });
  });

  it.each([
    ["GET", "/v1/predictions", "POST"],
    ["DELETE", "/v1/predictions/batch", "POST"],
    ["POST", "/v1/diamonds/similar", "GET, HEAD"],
    ["DELETE", "/v1/diamonds/similar", "GET, HEAD"],
    ["PATCH", "/v1/models/log-linear", "GET, HEAD"],
    ["PUT", "/health", "GET, HEAD"],
    ["POST", "/openapi.json", "GET, HEAD"],
  ])("%s %s is answered with 405 and the allowed methods", async (method, path, allow) => {
    const answer = await call(path, { method });
    expect(answer.response.headers.get("allow")).toBe(allow);
    await expectProblem(answer, 405, null);
  });

  it("OPTIONS is answered with the allowed methods", async () => {
    const answer = await call("/v1/models", { method: "OPTIONS" });
    expect(answer.status).toBe(204);
    expect(answer.response.headers.get("allow")).toBe("GET, HEAD");
    expect(await readLogRecord(answer.id)).toMatchObject({
      method: "OPTIONS",
      status: 204,
      responseBody: null,
    });
  });

  it("is rejected with a misspelt or invalid query parameter", async () => {
    for (const path of ["/v1/models/a?limit=0", "/v1/aliases/a?next=7"]) {
      expect((await call(path)).status).toBe(422);
    }
    const init = createJsonRequest(JSON.stringify(STONE));
    for (const query of ["modle=x", "model=", "model=A", "model=a&model=b", "model=a@0", "model=../a"]) {
      const answer = await call(`/v1/predictions?${query}`, init);
      expect(answer.status, query).toBe(422);
    }
  });

  it("is rejected with an invalid name in the path", async () => {
    for (const name of ["..%2f..%2fetc", "A", "a--b", "%00", "%E0%A4%A", "a".repeat(200), "%F0%9F%92%8E"]) {
      expect((await call(`/v1/models/${name}`)).status, name).toBe(422);
      expect((await call(`/v1/models/a/versions/${name}`)).status, name).toBe(422);
    }
  });
});

describe("an unexpected error", () => {
  it("is answered with 500 without internal details, and the log has the reason", async () => {
    const error = vi.spyOn(console, "error").mockImplementation(() => {});
    const broken = { ...env, DB: null as unknown as D1Database };
    const answer = await call("/v1/models", {}, broken);
    const problem = await expectProblem(answer, 500, null);
    expect(answer.text).not.toMatch(/null|undefined|TypeError|at /);
    expect(problem.type).toBe("urn:facet:problem:internal");
    expect((await readLogRecord(answer.id))?.problem).toMatch(/null/);
    expect(error).toHaveBeenCalledOnce();
    error.mockRestore();
  });
});
