import { env } from "cloudflare:workers";
import { afterEach, describe, expect, it, vi } from "vitest";
import { writeRecord } from "../../../src/request-log/write/write-record.ts";
import { createRandom } from "../../support/random.ts";
import { call, readLogRecord } from "../support/call.ts";
import {
  createBucketThatCannotWrite,
  createBucketThatNeverAnswers,
} from "../support/request-log/log-faults.ts";
import { createNewRecords } from "../support/request-log/log-rows.ts";

afterEach(() => {
  vi.restoreAllMocks();
});

function postBytes(body: Uint8Array, bindings?: Env) {
  const init = { method: "POST", headers: { "content-type": "application/json" }, body };
  return call("/v1/predictions", init, bindings);
}

describe("large bodies", () => {
  it.each([
    ["invalid UTF-8", 0xff, "\ufffd"],
    ["NUL characters", 0, "\u0000"],
    ["text", 0x78, "x"],
  ])("of %s are stored in the bucket, and the row has their first characters", async (_, byte, character) => {
    const { id, text } = await postBytes(new Uint8Array(1_048_576).fill(byte));
    const row = await env.LOG_DB.prepare("SELECT * FROM requests WHERE id = ?1").bind(id).first();
    expect(row).toMatchObject({
      bodies: `log-bodies/${id}.json`,
      request_body: character.repeat(8192),
      response_body: text,
      status: 400,
    });
    const record = await readLogRecord(id);
    expect(record?.requestBody).toBe(character.repeat(1_048_576));
  });

  it("are shortened in the row if the bucket fails", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const bindings = { ...env, MODELS: createBucketThatCannotWrite() };
    const { id, status } = await postBytes(new Uint8Array(500_000).fill(0x78), bindings);
    expect(status).toBe(400);
    expect(await readLogRecord(id)).toMatchObject({
      requestBody: "x".repeat(8192),
      bodies: null,
      problem: "the bodies could not be stored: R2 is down",
    });
  });

  it("are shortened in the row if the bucket does not answer", async () => {
    vi.spyOn(console, "error").mockImplementation(() => {});
    const [record] = createNewRecords(1, createRandom(31), { requestBody: "x".repeat(500_000) });
    const startedAt = performance.now();
    await writeRecord({ ...env, MODELS: createBucketThatNeverAnswers() }, record!);
    expect(performance.now() - startedAt).toBeLessThan(5000);
    expect(await readLogRecord(record!.id)).toMatchObject({
      requestBody: "x".repeat(8192),
      bodies: null,
      problem: "the bodies could not be stored: no answer within 3000 ms",
    });
  });

  it("are never cut within a character", async () => {
    const { id } = await postBytes(new TextEncoder().encode(`x${"💎".repeat(200_000)}`));
    const row = await env.LOG_DB.prepare("SELECT request_body FROM requests WHERE id = ?1")
      .bind(id)
      .first<{ request_body: string }>();
    expect(row?.request_body.isWellFormed()).toBe(true);
    expect((await readLogRecord(id))?.requestBody).toBe(`x${"💎".repeat(200_000)}`);
  });
});
