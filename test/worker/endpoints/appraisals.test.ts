import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, inject, it } from "vitest";
import type { PricedStone } from "../../../src/domain/diamond.ts";
import { type Answer, call, logged, type Refusal, STONE } from "../support/call.ts";
import { wrap } from "../support/faults.ts";
import { bearer, CLOSED, makeKey } from "../support/keys.ts";
import { point, publish, warmUp } from "../support/registry.ts";

interface Result {
  index: number;
  id?: string;
  status: string;
  errors?: { path: string; message: string }[];
}

interface Appraised {
  accepted: number;
  quarantined: number;
  duplicates: number;
  rejected: number;
  check: { rows: number; suspicious: number; medianRatio: number; refused: boolean; model: object } | null;
  warnings: string[];
  results: Result[];
}

let headers: Record<string, string>;
let admin: Record<string, string>;

async function send(diamonds: unknown, extra: object = {}, bindings: Env = CLOSED) {
  const body = JSON.stringify({ diamonds, ...extra });
  const answer = await call("/v1/diamonds", { method: "POST", headers, body }, bindings);
  return { ...answer, body: JSON.parse(answer.text) as Appraised & Refusal };
}

async function withdraw(
  id: string,
  body: object = { reason: "wrong" },
  by = headers,
  bindings: Env = CLOSED,
): Promise<Answer & { body: Refusal }> {
  const init = { method: "DELETE", headers: by, body: JSON.stringify(body) };
  const answer = await call(`/v1/diamonds/${id}`, init, bindings);
  return { ...answer, body: JSON.parse(answer.text) };
}

/** What `steep` says of a stone. */
const fair = (carat: number) => 1000 * carat + 421;
/** Stones of these weights at what `steep` would ask, times a factor. */
const stones = (from: number, n: number, factor = 1): PricedStone[] =>
  Array.from({ length: n }, (_, i) => {
    const carat = Math.round((from + i / 1000) * 1000) / 1000;
    return { ...STONE, carat, price: Math.round(fair(carat) * factor * 100) / 100 };
  });
const statuses = ({ results }: Appraised) => results.map(({ status }) => status);

const rows = async () => (await env.DB.prepare("SELECT * FROM appraisals ORDER BY id").all()).results;

beforeAll(async () => {
  const json = { "content-type": "application/json" };
  headers = { ...bearer(await makeKey("appraiser", ["appraise"])), ...json };
  admin = { ...bearer(await makeKey("marta", ["appraise", "admin"])), ...json };
});

beforeEach(async () => {
  await env.DB.batch(["appraisals", "withdrawals"].map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
});

describe("without a champion", () => {
  it("stones are kept unchecked", async () => {
    const { status, body } = await send([{ ...STONE, price: 15_000 }]);
    expect(status).toBe(201);
    expect(body).toMatchObject({ accepted: 1, check: null });
  });
});

describe("POST /v1/diamonds", () => {
  beforeAll(async () => {
    await publish({ name: "steep", version: 1, file: "steep" });
    await warmUp();
    await point("champion", { name: "steep", version: 1 });
    await scheduler.wait(1);
  });

  it("keeps each valid stone with who sent it and when, and says what became of each", async () => {
    const [first, second] = stones(1, 2);
    const answer = await send([first, { ...first, cut: "Ruby" }, second, 7, { ...second, carats: 1 }], {
      source: " auction of May ",
    });
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
    const kept = await rows();
    expect(kept).toHaveLength(2);
    expect(kept.find(({ id }) => id === answer.body.results[0]?.id)).toEqual({
      id: answer.body.results[0]?.id,
      ...first,
      status: "accepted",
      source: "appraiser: auction of May",
      request_id: answer.id,
      received_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
    });
    expect(await logged(answer.id)).toMatchObject({ status: 201, caller: "appraiser" });
  });

  it("gives a stone the id that training gives it", async () => {
    const known = (JSON.parse(inject("stones")) as (PricedStone & { id: string; splitKey: number })[]).slice(
      0,
      50,
    );
    const sent = known.map(({ id: _, splitKey: __, ...stone }) => stone);
    const { body } = await send(sent);
    expect(body.results.map(({ id }) => id)).toEqual(known.map(({ id }) => id));
  });

  it("takes a stone once, in whatever request", async () => {
    const sent = stones(2, 3);
    expect(statuses((await send([...sent, sent[0]])).body)).toEqual([
      "accepted",
      "accepted",
      "accepted",
      "duplicate",
    ]);
    const before = await rows();
    const again = await send([...sent, ...stones(2.5, 1)], { source: "again" });
    expect(statuses(again.body)).toEqual(["duplicate", "duplicate", "duplicate", "accepted"]);
    expect(again.body).toMatchObject({ accepted: 1, duplicates: 3, check: { rows: 1 } });
    expect(await rows()).toEqual(expect.arrayContaining(before));
    const nothing = await send(sent);
    expect(nothing.status).toBe(201);
    expect(nothing.body).toMatchObject({ accepted: 0, duplicates: 3, check: null });
  });

  it("does not take a stone that models are trained on, but one that has gone", async () => {
    const [trained, gone] = stones(3, 2);
    const { body } = await send([trained, gone]);
    const insert = env.DB.prepare(
      `INSERT INTO diamonds (id, carat, cut, color, clarity, depth, "table", x, y, z, price, split_key, since, until)
       SELECT id, carat, cut, color, clarity, depth, "table", x, y, z, price, 1, 1, ?2 FROM appraisals WHERE id = ?1`,
    );
    await insert.bind(body.results[0]?.id, null).run();
    await insert.bind(body.results[1]?.id, 2).run();
    await env.DB.prepare("DELETE FROM appraisals").run();
    expect(statuses((await send([trained, gone])).body)).toEqual(["duplicate", "accepted"]);
  });

  it("of two requests at once each stone is accepted once", async () => {
    const sent = stones(4, 100);
    const answers = await Promise.all([1, 2, 3].map(() => send(sent)));
    const accepted = sent.map(
      (_, i) => answers.filter(({ body }) => body.results[i]?.status === "accepted").length,
    );
    expect(accepted).toEqual(Array(100).fill(1));
    expect(await rows()).toHaveLength(100);
  });

  it("says accepted where the database kept the stones and lost the answer", async () => {
    let calls = 0;
    const DB = wrap(env.DB, {
      batch: async <T>(statements: D1PreparedStatement[]) => {
        const results = await env.DB.batch<T>(statements);
        if (calls++ === 0) throw new Error("D1_ERROR: Network connection lost.");
        return results;
      },
    });
    const { body } = await send(stones(5, 2), {}, { ...CLOSED, DB });
    expect(calls).toBe(2);
    expect(body).toMatchObject({ accepted: 2, duplicates: 0 });
  });

  it("takes a market that moved by a tenth", async () => {
    const { body } = await send(stones(1, 1000, 1.1));
    expect(body).toMatchObject({
      accepted: 1000,
      quarantined: 0,
      check: { rows: 1000, suspicious: 0, medianRatio: 1.1, refused: false },
    });
  });

  it("quarantines a feed at ten times the price as a whole, and says why", async () => {
    const { body, status } = await send(stones(1, 1000, 10));
    expect(status).toBe(201);
    expect(body).toMatchObject({
      accepted: 0,
      quarantined: 1000,
      check: { suspicious: 1000, medianRatio: 10, refused: true },
    });
    expect(body.warnings[0]).toMatch(/1000 of 1000 .* steep@1; the median price is 10 times .*--accept-feed/);
    const kept = await rows();
    expect(kept).toHaveLength(1000);
    expect(new Set(kept.map(({ status }) => status))).toEqual(new Set(["quarantined"]));
  });

  it("does not let a stone out of quarantine among good ones", async () => {
    const bad = stones(1, 1, 10);
    expect(statuses((await send(bad)).body)).toEqual(["quarantined"]);
    expect(statuses((await send([...bad, ...stones(2, 20)])).body)[0]).toBe("duplicate");
    expect((await rows()).filter(({ status }) => status === "quarantined")).toHaveLength(1);
  });

  it("judges by share: a fifth of odd prices passes, more does not", async () => {
    const some = await send([...stones(1, 8), ...stones(2, 2, 3)]);
    expect(some.body).toMatchObject({ accepted: 10, check: { suspicious: 2, refused: false } });
    const more = await send([...stones(6, 7), ...stones(7, 3, 3)]);
    expect(more.body).toMatchObject({ quarantined: 10, check: { suspicious: 3, refused: true } });
  });

  it("is a 422 where not one stone is valid, and where the request is not", async () => {
    const { price: _, ...unpriced } = stones(1, 1)[0] ?? (STONE as PricedStone);
    const none = await send([unpriced, null, { ...unpriced, price: -1 }]);
    expect(none.status).toBe(422);
    expect(none.body.errors?.map(({ path }) => path)).toEqual([
      "diamonds.0.price",
      "diamonds.1",
      "diamonds.2.price",
    ]);
    expect(none.body.detail).toContain("diamonds.0: price is required");
    for (const diamonds of [[], {}, undefined, Array(1001).fill(1)])
      expect((await send(diamonds)).body.errors).toMatchObject([{ path: "diamonds" }]);
    expect((await send(stones(1, 1), { source: 7 })).body.errors).toMatchObject([{ path: "source" }]);
    expect((await send(stones(1, 1), { from: "x" })).status).toBe(422);
    expect(await rows()).toEqual([]);
  });

  it("keeps nothing where the champion cannot be asked", async () => {
    await publish({ name: "absent", version: 1 });
    await env.DB.batch(["aliases", "alias_history"].map((t) => env.DB.prepare(`DELETE FROM ${t}`)));
    await point("champion", { name: "absent", version: 1 });
    await scheduler.wait(5_500);
    expect((await send(stones(1, 1))).status).toBe(503);
    expect(await rows()).toEqual([]);
    await point("champion", { name: "steep", version: 1 });
    await scheduler.wait(5_500);
  });
});

describe("DELETE /v1/diamonds/{id}", () => {
  it("withdraws a stone that was sent in, once, and takes it no more", async () => {
    const sent = stones(1, 1);
    const id = (await send(sent)).body.results[0]?.id ?? "";
    const first = await withdraw(id, { reason: "the wrong certificate" });
    expect(first.status).toBe(200);
    expect(first.body).toEqual({
      id,
      reason: "the wrong certificate",
      actor: "appraiser",
      at: expect.any(String),
    });
    expect((await withdraw(id, { reason: "again" })).body).toEqual(first.body);
    expect(await rows()).toHaveLength(1);
    const { body } = await send([...sent, ...stones(2, 1)]);
    expect(body.results[0]).toMatchObject({
      id,
      status: "rejected",
      errors: [{ message: expect.stringContaining("withdrawn") }],
    });
    expect(body).toMatchObject({ accepted: 1, rejected: 1 });
  });

  it("withdraws what the caller sent in, and nobody else's", async () => {
    const json = { "content-type": "application/json" };
    const other = { ...bearer(await makeKey("other", ["appraise"])), ...json };
    const [mine = "", theirs = ""] = (await send(stones(1, 2), { source: "auction" })).body.results.map(
      ({ id }) => id,
    );
    expect((await withdraw(mine, undefined, other)).status).toBe(403);
    expect((await withdraw(mine)).status).toBe(200);
    expect((await withdraw(theirs, undefined, admin)).status).toBe(200);

    const body = JSON.stringify({ diamonds: stones(2, 1) });
    const open = await call("/v1/diamonds", { method: "POST", headers: json, body });
    const [{ id = "" } = {}] = (JSON.parse(open.text) as Appraised).results as { id?: string }[];
    expect((await withdraw("0123456789abcdef", undefined, json, env)).status).toBe(401);
    expect((await withdraw(id, undefined, json, env)).status).toBe(200);
  });

  it("withdraws a stone that models were trained on, and changes no row of it", async () => {
    const id = "0123456789abcdef";
    await env.DB.prepare(
      `INSERT INTO diamonds VALUES (?1, 1, 'Ideal', 'H', 'SI2', 62, 55, 6, 6, 4, 900, 1, 1, NULL)`,
    )
      .bind(id)
      .run();
    const before = await env.DB.prepare("SELECT * FROM diamonds WHERE id = ?1").bind(id).all();
    expect((await withdraw(id)).status).toBe(403);
    expect((await withdraw(id, undefined, admin)).status).toBe(200);
    const after = await env.DB.prepare("SELECT * FROM diamonds WHERE id = ?1").bind(id).all();
    expect(after.results).toEqual(before.results);
  });

  it("knows no other stone, and asks for a reason", async () => {
    expect((await withdraw("ffffffffffffffff", undefined, admin)).status).toBe(404);
    // Nobody else is told whether there is such a stone.
    expect((await withdraw("ffffffffffffffff")).body.detail).toContain("has no scope admin");
    for (const id of ["1", "FFFFFFFFFFFFFFFF"]) expect((await withdraw(id)).status).toBe(422);
    // A path of its own, which knows GET alone.
    expect((await withdraw("similar")).status).toBe(405);
    expect((await withdraw("ffffffffffffffff", {})).body.errors).toMatchObject([{ path: "reason" }]);
  });
});
