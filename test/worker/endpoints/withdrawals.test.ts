import { env } from "cloudflare:workers";
import { beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type AppraisalBody, createStones, sendStones } from "../support/appraisals.ts";
import { type Answer, call, type ProblemDetails } from "../support/call.ts";
import { createAuthorizationHeader, createKey, ENV_WITH_KEYS } from "../support/keys.ts";

let headers: Record<string, string>;
let admin: Record<string, string>;

async function withdrawStone(
  id: string,
  query: Record<string, string> = { reason: "wrong" },
  sender = headers,
  bindings: Env = ENV_WITH_KEYS,
): Promise<Answer & { body: ProblemDetails }> {
  const init = { method: "DELETE", headers: sender };
  const answer = await call(`/v1/diamonds/${id}?${new URLSearchParams(query)}`, init, bindings);
  return { ...answer, body: JSON.parse(answer.text) };
}

const readAppraisals = async () =>
  (await env.DB.prepare("SELECT * FROM appraisals ORDER BY id").all()).results;

beforeAll(async () => {
  const json = { "content-type": "application/json" };
  headers = { ...createAuthorizationHeader(await createKey("appraiser", ["appraise"])), ...json };
  admin = { ...createAuthorizationHeader(await createKey("marta", ["appraise", "admin"])), ...json };
});

beforeEach(async () => {
  await env.DB.batch(["appraisals", "withdrawals"].map((table) => env.DB.prepare(`DELETE FROM ${table}`)));
});

describe("DELETE /v1/diamonds/{id}", () => {
  it("withdraws a stone once, and rejects the stone afterwards", async () => {
    const sent = createStones(1, 1);
    const id = (await sendStones(headers, sent)).body.results[0]?.id ?? "";
    const first = await withdrawStone(id, { reason: "the wrong certificate" });
    expect(first.status).toBe(200);
    expect(first.body).toEqual({
      id,
      reason: "the wrong certificate",
      actor: "appraiser",
      at: expect.any(String),
    });
    expect((await withdrawStone(id, { reason: "again" })).body).toEqual(first.body);
    expect(await readAppraisals()).toHaveLength(1);
    const { body } = await sendStones(headers, [...sent, ...createStones(2, 1)]);
    expect(body.results[0]).toMatchObject({
      id,
      status: "rejected",
      errors: [{ message: expect.stringContaining("withdrawn") }],
    });
    expect(body).toMatchObject({ accepted: 1, rejected: 1 });
  });

  it("lets a caller withdraw its own stones, and an administrator all stones", async () => {
    const json = { "content-type": "application/json" };
    const other = { ...createAuthorizationHeader(await createKey("other", ["appraise"])), ...json };
    const [mine = "", theirs = ""] = (
      await sendStones(headers, createStones(1, 2), { source: "auction" })
    ).body.results.map(({ id }) => id);
    expect((await withdrawStone(mine, undefined, other)).status).toBe(403);
    expect((await withdrawStone(mine)).status).toBe(200);
    expect((await withdrawStone(theirs, undefined, admin)).status).toBe(200);

    const body = JSON.stringify({ diamonds: createStones(2, 1) });
    const open = await call("/v1/diamonds", { method: "POST", headers: json, body });
    const [{ id = "" } = {}] = (JSON.parse(open.text) as AppraisalBody).results as { id?: string }[];
    expect((await withdrawStone("0123456789abcdef", undefined, json, env)).status).toBe(401);
    expect((await withdrawStone(id, undefined, json, env)).status).toBe(200);
  });

  it("withdraws a stone that models were trained on, and does not change its row", async () => {
    const id = "0123456789abcdef";
    await env.DB.prepare(
      `INSERT INTO diamonds VALUES (?1, 1, 'Ideal', 'H', 'SI2', 62, 55, 6, 6, 4, 900, 1, 1, NULL)`,
    )
      .bind(id)
      .run();
    const before = await env.DB.prepare("SELECT * FROM diamonds WHERE id = ?1").bind(id).all();
    expect((await withdrawStone(id)).status).toBe(403);
    expect((await withdrawStone(id, undefined, admin)).status).toBe(200);
    const after = await env.DB.prepare("SELECT * FROM diamonds WHERE id = ?1").bind(id).all();
    expect(after.results).toEqual(before.results);
  });

  it("answers 404 for an unknown stone, and requires a reason", async () => {
    expect((await withdrawStone("ffffffffffffffff", undefined, admin)).status).toBe(404);
    // Other callers must not learn whether the stone exists.
    expect((await withdrawStone("ffffffffffffffff")).body.detail).toContain("does not have the scope admin");
    for (const id of ["1", "FFFFFFFFFFFFFFFF"]) expect((await withdrawStone(id)).status).toBe(422);
    // This is another path, and it supports only GET.
    expect((await withdrawStone("similar")).status).toBe(405);
    const message = "reason is required: send it as a parameter, ?reason=...";
    expect((await withdrawStone("ffffffffffffffff", {})).body.errors).toEqual([{ path: "reason", message }]);
  });
});
