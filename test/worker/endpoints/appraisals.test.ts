import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, inject, it, vi } from "vitest";
import { insertAppraisals } from "../../../src/db/registry/appraisals.ts";
import type { PricedStone } from "../../../src/domain/diamond.ts";
import { formatRow, STONE_ID_DIGITS } from "../../../src/domain/stone-id.ts";
import { sha256 } from "../../../src/lib/sha256.ts";
import { type AppraisalBody, createStones, sendStones } from "../support/appraisals.ts";
import { call, readLogRecord, STONE } from "../support/call.ts";
import { moveClock } from "../support/clock.ts";
import { overrideMethods } from "../support/faults.ts";
import { createAuthorizationHeader, createKey, ENV_WITH_KEYS } from "../support/keys.ts";
import { pointAlias, publishModel, warmUpRuntime } from "../support/registry.ts";

let headers: Record<string, string>;

const sendAppraisals = (diamonds: unknown, extra?: object, bindings?: Env) =>
  sendStones(headers, diamonds, extra, bindings);

const getStatuses = ({ results }: AppraisalBody) => results.map(({ status }) => status);

const readQuarantines = async () =>
  (await env.DB.prepare("SELECT id, bound, reason FROM quarantines ORDER BY id").all()).results;

const readAppraisals = async () =>
  (await env.DB.prepare("SELECT * FROM appraisals ORDER BY id").all()).results;

beforeAll(async () => {
  const json = { "content-type": "application/json" };
  headers = { ...createAuthorizationHeader(await createKey("appraiser", ["appraise"])), ...json };
});

beforeEach(async () => {
  await env.DB.batch(
    ["appraisals", "withdrawals", "quarantines"].map((table) => env.DB.prepare(`DELETE FROM ${table}`)),
  );
});

afterEach(() => {
  vi.useRealTimers();
});

describe("without a champion", () => {
  it("stores stones without a feed check", async () => {
    const { status, body } = await sendAppraisals([{ ...STONE, price: 15_000 }]);
    expect(status).toBe(201);
    expect(body).toMatchObject({ accepted: 1, check: null });
  });
});

describe("POST /v1/diamonds", () => {
  beforeAll(async () => {
    await publishModel({ name: "steep", version: 1, file: "steep" });
    await warmUpRuntime();
    await pointAlias("champion", { name: "steep", version: 1 });
  });

  it("stores each valid stone with its sender and time, and returns a status for each stone", async () => {
    const [first, second] = createStones(1, 2);
    const answer = await sendAppraisals(
      [first, { ...first, cut: "Ruby" }, second, 7, { ...second, carats: 1 }],
      {
        source: " auction of May ",
      },
    );
    expect(answer.status).toBe(201);
    expect(answer.body).toMatchObject({
      accepted: 2,
      quarantined: 0,
      duplicates: 0,
      rejected: 3,
      warnings: [],
      check: { model: { name: "steep", version: 1 }, rows: 2, suspicious: 0, medianRatio: 1, refused: false },
      results: [
        { index: 0, id: expect.stringMatching(/^[0-9a-f]{16}$/), status: "accepted" },
        { index: 1, status: "rejected", errors: [{ path: "cut" }] },
        { index: 2, status: "accepted" },
        {
          index: 3,
          status: "rejected",
          errors: [{ path: "", message: expect.stringContaining("JSON object") }],
        },
        { index: 4, status: "rejected", errors: [{ path: "carats" }] },
      ],
    });
    const kept = await readAppraisals();
    expect(kept).toHaveLength(2);
    expect(kept.find(({ id }) => id === answer.body.results[0]?.id)).toEqual({
      id: answer.body.results[0]?.id,
      ...first,
      status: "accepted",
      source: "appraiser: auction of May",
      request_id: answer.id,
      received_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    expect(await readLogRecord(answer.id)).toMatchObject({ status: 201, caller: "appraiser" });
  });

  it("rejects stones whose measurements contradict each other, and names the field and the numbers", async () => {
    const [stone] = createStones(1.1, 1) as [PricedStone];
    const { x, y, z } = stone;
    const { body } = await sendAppraisals([
      stone,
      { ...stone, depth: stone.depth / 100 },
      { ...stone, x: x / 10, y: y / 10, z: z / 10 },
      { ...stone, x: z, z: x },
      { ...stone, z: z * 10 },
    ]);
    expect(getStatuses(body)).toEqual(["accepted", "rejected", "rejected", "rejected", "accepted"]);
    expect(body.results.slice(1, 4).map(({ errors }) => errors)).toEqual([
      [{ path: "depth", message: "depth 0.62 %, but x, y and z give 62 %: a fraction?" }],
      [{ path: "x", message: expect.stringMatching(/^x 0.661 mm, .* but carat is 1.1: centimetres\?$/) }],
      [{ path: "x", message: expect.stringMatching(/x 6.61 mm and z 4.11 mm do: exchanged\?$/) }],
    ]);
    const alone = await sendAppraisals([{ ...stone, depth: 0.62 }]);
    expect(alone.body).toMatchObject({ accepted: 0, rejected: 1, check: null });
    expect(alone.body.results).toMatchObject([{ status: "rejected", errors: [{ path: "depth" }] }]);
  });

  it("gives a stone the same id as the training does", async () => {
    const known = (JSON.parse(inject("stones")) as (PricedStone & { id: string; splitKey: number })[]).slice(
      0,
      50,
    );
    const sent = known.map(({ id: _, splitKey: __, ...stone }) => stone);
    const { body } = await sendAppraisals(sent);
    expect(body.results.map(({ id }) => id)).toEqual(known.map(({ id }) => id));
  });

  it("accepts a stone only once, within a request and across requests", async () => {
    const sent = createStones(2, 3);
    expect(getStatuses((await sendAppraisals([...sent, sent[0]])).body)).toEqual([
      "accepted",
      "accepted",
      "accepted",
      "duplicate",
    ]);
    const before = await readAppraisals();
    const again = await sendAppraisals([...sent, ...createStones(2.5, 1)], { source: "again" });
    expect(getStatuses(again.body)).toEqual(["duplicate", "duplicate", "duplicate", "accepted"]);
    expect(again.body).toMatchObject({ accepted: 1, duplicates: 3, check: { rows: 1 } });
    expect(await readAppraisals()).toEqual(expect.arrayContaining(before));
    const nothing = await sendAppraisals(sent);
    expect(nothing.status).toBe(201);
    expect(nothing.body).toMatchObject({ accepted: 0, duplicates: 3, check: null });
  });

  it("stores rounded values, and knows a stone in the spelling of float32", async () => {
    const [first] = createStones(2.8, 1) as [PricedStone];
    const stone = { ...first, carat: 0.9, x: 6.61, y: 6.65, z: 4.11, price: 1321.1 };
    const float32 = Object.fromEntries(
      Object.entries(stone).map(([key, value]) => [
        key,
        typeof value === "number" ? Math.fround(value) : value,
      ]),
    );
    expect(float32.x).toBe(6.610000133514404);
    const answer = await sendAppraisals([float32, stone]);
    expect(getStatuses(answer.body)).toEqual(["accepted", "duplicate"]);
    expect(answer.body.results[0]?.id).toBe(answer.body.results[1]?.id);
    expect(await readAppraisals()).toMatchObject([stone]);
  });

  it("knows a stone that an earlier version stored without rounding, and its withdrawal", async () => {
    const [rounded] = createStones(2.9, 1) as [PricedStone];
    const stored = { ...rounded, x: 6.610000133514404 };
    const id = (await sha256(formatRow(stored))).slice(0, STONE_ID_DIGITS);
    await insertAppraisals(env.DB, [{ ...stored, id }], {
      ...{ failure: null, source: "earlier", requestId: "r", receivedAt: "2026-01-01T00:00:00.000Z" },
    });
    const { body } = await sendAppraisals([stored]);
    expect(body.results).toEqual([{ index: 0, id, status: "duplicate" }]);
    await env.DB.prepare("INSERT INTO withdrawals (id, reason, actor, at) VALUES (?1, 'r', 'a', 'now')")
      .bind(id)
      .run();
    expect(getStatuses((await sendAppraisals([stored])).body)).toEqual(["rejected"]);
  });

  it("reads the trade's spellings of grades", async () => {
    const [stone] = createStones(2.7, 1) as [PricedStone];
    const spelled = { ...stone, cut: "V. Good", color: " d", clarity: "Internally Flawless" };
    expect(getStatuses((await sendAppraisals([spelled])).body)).toEqual(["accepted"]);
    expect(await readAppraisals()).toMatchObject([{ cut: "Very Good", color: "D", clarity: "IF" }]);
  });

  it("rejects a stone of the current dataset as a duplicate, and accepts one that was removed from it", async () => {
    const [trained, removed] = createStones(3, 2);
    const { body } = await sendAppraisals([trained, removed]);
    const insert = env.DB.prepare(
      `INSERT INTO diamonds (id, carat, cut, color, clarity, depth, "table", x, y, z, price, split_key, since, until)
       SELECT id, carat, cut, color, clarity, depth, "table", x, y, z, price, 1, 1, ?2 FROM appraisals WHERE id = ?1`,
    );
    await insert.bind(body.results[0]?.id, null).run();
    await insert.bind(body.results[1]?.id, 2).run();
    await env.DB.prepare("DELETE FROM appraisals").run();
    expect(getStatuses((await sendAppraisals([trained, removed])).body)).toEqual(["duplicate", "accepted"]);
  });

  it("accepts each stone once if several requests send it at the same time", async () => {
    const sent = createStones(4, 100);
    const answers = await Promise.all([1, 2, 3].map(() => sendAppraisals(sent)));
    const accepted = sent.map(
      (_, i) => answers.filter(({ body }) => body.results[i]?.status === "accepted").length,
    );
    expect(accepted).toEqual(Array(100).fill(1));
    expect(await readAppraisals()).toHaveLength(100);
  });

  it("answers accepted if the database stored the stones and the connection was lost afterwards", async () => {
    let calls = 0;
    const DB = overrideMethods(env.DB, {
      batch: async <T>(statements: D1PreparedStatement[]) => {
        const results = await env.DB.batch<T>(statements);
        if (calls++ === 0) throw new Error("D1_ERROR: Network connection lost.");
        return results;
      },
    });
    const { body } = await sendAppraisals(createStones(5, 2), {}, { ...ENV_WITH_KEYS, DB });
    expect(calls).toBe(2);
    expect(body).toMatchObject({ accepted: 2, duplicates: 0 });
  });

  it("accepts prices that are 10 % higher than the champion's", async () => {
    const { body } = await sendAppraisals(createStones(1, 1000, 1.1));
    expect(body).toMatchObject({
      accepted: 1000,
      quarantined: 0,
      check: { rows: 1000, suspicious: 0, medianRatio: 1.1, refused: false },
    });
  });

  it("quarantines all stones if the prices are ten times too high, and explains why", async () => {
    const { body, status } = await sendAppraisals(createStones(1, 1000, 10));
    expect(status).toBe(201);
    expect(body).toMatchObject({
      accepted: 0,
      quarantined: 1000,
      check: { suspicious: 1000, medianRatio: 10, refused: true },
    });
    expect(body.warnings).toEqual([
      {
        code: "quarantined",
        message: expect.stringMatching(
          /1000 of 1000 .* steep@1 .*; the median price is 10 times .*--accept-feed/,
        ),
        fields: [],
      },
    ]);
    const kept = await readAppraisals();
    expect(kept).toHaveLength(1000);
    expect(new Set(kept.map(({ status }) => status))).toEqual(new Set(["quarantined"]));
  });

  it("quarantines 30 stones or more whose median ratio is too high, with a reason and an alert line", async () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const few = await sendAppraisals(createStones(1, 29, 1.45));
    expect(few.body).toMatchObject({ accepted: 29, warnings: [] });
    expect(await readQuarantines()).toEqual([]);
    const { body } = await sendAppraisals(createStones(2, 40, 1.45));
    expect(body).toMatchObject({
      accepted: 0,
      quarantined: 40,
      check: { suspicious: 0, medianRatio: 1.45, refused: true },
    });
    const reason = expect.stringMatching(/^40 new prices are 1.45 times the prices of steep@1 .*0.8 to 1.25/);
    expect(body.warnings).toEqual([
      { code: "quarantined", message: expect.stringContaining("--accept-feed"), fields: [] },
    ]);
    expect(body.warnings[0]?.message).toEqual(expect.stringContaining("1.45 times the prices of steep@1"));
    const ids = body.results.map(({ id }) => id).sort();
    expect(await readQuarantines()).toEqual(ids.map((id) => ({ id, bound: "median", reason })));
    const lines = warn.mock.calls.map(([line]) => String(line)).filter((line) => line.startsWith("{"));
    expect(lines.map((line) => JSON.parse(line))).toEqual([
      { message: "appraisals quarantined", caller: "appraiser", stones: 40, bound: "median", reason },
    ]);
    warn.mockRestore();
  });

  it("accepts a market that is 15 % dearer or cheaper", async () => {
    expect((await sendAppraisals(createStones(3, 100, 1.15))).body).toMatchObject({ accepted: 100 });
    expect((await sendAppraisals(createStones(4, 100, 0.85))).body).toMatchObject({ accepted: 100 });
  });

  it("keeps a stone in quarantine if it is sent again among stones with plausible prices", async () => {
    const bad = createStones(1, 1, 10);
    expect(getStatuses((await sendAppraisals(bad)).body)).toEqual(["quarantined"]);
    expect(getStatuses((await sendAppraisals([...bad, ...createStones(2, 20)])).body)[0]).toBe("duplicate");
    expect((await readAppraisals()).filter(({ status }) => status === "quarantined")).toHaveLength(1);
  });

  it("accepts 20 % suspicious prices, and quarantines all stones above that", async () => {
    const some = await sendAppraisals([...createStones(1, 8), ...createStones(2, 2, 3)]);
    expect(some.body).toMatchObject({ accepted: 10, check: { suspicious: 2, refused: false } });
    const more = await sendAppraisals([...createStones(6, 7), ...createStones(7, 3, 3)]);
    expect(more.body).toMatchObject({ quarantined: 10, check: { suspicious: 3, refused: true } });
  });

  it("answers 422 if all stones are invalid, or if the request itself is invalid", async () => {
    const { price: _, ...unpriced } = createStones(1, 1)[0] ?? (STONE as PricedStone);
    const none = await sendAppraisals([unpriced, null, { ...unpriced, price: -1 }]);
    expect(none.status).toBe(422);
    expect(none.body.errors?.map(({ path }) => path)).toEqual([
      "diamonds.0.price",
      "diamonds.1",
      "diamonds.2.price",
    ]);
    expect(none.body.detail).toMatch(/^3 of the 3 stones are invalid: diamonds\.0: price is required; /);
    for (const diamonds of [[], {}, undefined, Array(1001).fill(1)])
      expect((await sendAppraisals(diamonds)).body.errors).toMatchObject([{ path: "diamonds" }]);
    expect((await sendAppraisals(createStones(1, 1), { source: 7 })).body.errors).toMatchObject([
      { path: "source" },
    ]);
    expect((await sendAppraisals(createStones(1, 1), { from: "x" })).status).toBe(422);
    expect(await readAppraisals()).toEqual([]);
  });

  it("takes the stones of its own answers, null for a field that is left out, and grades in any spelling", async () => {
    const [stone] = createStones(1, 1);
    const first = await sendAppraisals([stone], { source: null });
    expect(first.status).toBe(201);
    const id = first.body.results[0]?.id;
    const again = await sendAppraisals([
      { ...stone, id, weightDifference: 0, index: 1, cut: stone?.cut.toUpperCase() },
    ]);
    expect(again.body.results).toEqual([{ index: 0, id, status: "duplicate" }]);
  });

  it("says what came, and where it belongs", async () => {
    const stone = createStones(1, 1)[0];
    const send = async (body: unknown) =>
      JSON.parse((await call("/v1/diamonds", { method: "POST", headers, body: JSON.stringify(body) })).text);
    expect((await send([stone])).detail).toBe('this is a list: send {"diamonds": [...]}');
    expect((await send(stone)).detail).toBe('this is one stone: send {"diamonds": [stone]}');
    const { body } = await sendAppraisals([stone, { ...stone, price: "4677" }]);
    expect(body.results[1]?.errors?.[0]?.message).toMatch(
      /; it is the text "4677": send 4677 without quotes$/,
    );
  });

  it("lists at most 100 errors of a stone, and counts the others", async () => {
    const fields = Object.fromEntries(Array.from({ length: 150 }, (_, i) => [`f${i}`, 1]));
    const [stone] = createStones(1, 1);
    const { body } = await sendAppraisals([stone, { ...stone, ...fields }]);
    expect(body.results[1]?.errors).toHaveLength(100);
    expect(body.results[1]).toMatchObject({ status: "rejected", moreErrors: 50 });
  });

  it("stores nothing if the champion cannot be loaded", async () => {
    await publishModel({ name: "absent", version: 1 });
    await env.DB.batch(["aliases", "alias_history"].map((t) => env.DB.prepare(`DELETE FROM ${t}`)));
    await pointAlias("champion", { name: "absent", version: 1 });
    moveClock(15);
    expect((await sendAppraisals(createStones(1, 1))).status).toBe(503);
    expect(await readAppraisals()).toEqual([]);
  });
});
