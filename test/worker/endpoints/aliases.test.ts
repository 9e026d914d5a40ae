import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, inject, it, vi } from "vitest";
import { moveAlias, readAliasState } from "../../../src/db/registry/aliases.ts";
import type { Alias, AliasMove } from "../../../src/domain/alias.ts";
import type { ModelReference } from "../../../src/domain/model-record.ts";
import { type Answer, call, get, post, type Refusal, STONE } from "../support/call.ts";
import { wrap } from "../support/faults.ts";
import { bearer, makeKey } from "../support/keys.ts";
import { decode, point, publish, warmUp } from "../support/registry.ts";

type Answered = { price: number; model: ModelReference };

let admin: Record<string, string>;

async function send<Body = Alias & Refusal>(
  method: "PUT" | "DELETE",
  alias: string,
  body: unknown,
  headers: Record<string, string> = {},
  bindings: Env = env,
): Promise<Answer & { body: Body; etag: string | null }> {
  const answer = await call(
    `/v1/aliases/${alias}`,
    {
      method,
      headers: { ...admin, "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    },
    bindings,
  );
  return { ...answer, body: JSON.parse(answer.text), etag: answer.response.headers.get("etag") };
}

const put = (alias: string, model: string, headers?: Record<string, string>) =>
  send("PUT", alias, { model, reason: `to ${model}` }, headers);

async function history(alias: string): Promise<AliasMove[]> {
  return (await get<{ history: AliasMove[] }>(`/v1/aliases/${alias}?limit=100`)).body.history;
}

/** Lets time pass for the Worker's caches. */
function pass(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000);
}

beforeAll(async () => {
  admin = bearer(await makeKey("marta", ["admin"]));
  await publish({ name: "steep", version: 1, file: "steep" });
  await warmUp();
  await publish({ name: "steep", version: 2, file: decode(inject("slopes")[0] ?? "") });
  await publish({ name: "shallow", version: 1, file: "shallow" });
  await publish({ name: "missing", version: 1 });
  await publish({ name: "strange", version: 1, file: "strange" });
  await publish({ name: "no-onnx", version: 1, file: new Uint8Array([1, 2, 3]) });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("PUT /v1/aliases/{alias}", () => {
  it("makes an alias, moves it, rolls it back, and keeps who and why", async () => {
    const made = await put("first", "steep@1");
    expect(made.status).toBe(201);
    expect(made.etag).toBe('"1"');
    expect((await get<Answered>("/v1/aliases/first")).response.headers.get("etag")).toBe('"1"');
    const moved = await put("first", "shallow@1");
    expect(moved.status).toBe(200);
    expect(moved.body).toEqual({
      alias: "first",
      name: "shallow",
      version: 1,
      share: null,
      canary: null,
      revision: 2,
      updatedAt: expect.any(String),
    });
    expect((await put("first", "steep@1")).etag).toBe('"3"');
    expect(await history("first")).toMatchObject([
      {
        revision: 3,
        name: "steep",
        from: { name: "shallow", version: 1 },
        actor: "marta",
        reason: "to steep@1",
      },
      { revision: 2, name: "shallow", from: { name: "steep", version: 1 }, actor: "marta" },
      { revision: 1, name: "steep", from: null, actor: "marta", removed: false },
    ]);
  });

  it("takes effect at once where it was sent, and elsewhere after five seconds", async () => {
    await put("quick", "steep@1");
    const ask = async () => (await post<Answered>("/v1/predictions?model=quick", STONE)).body;
    expect(await ask()).toMatchObject({ price: 1521, model: { name: "steep" } });
    await put("quick", "shallow@1");
    expect(await ask()).toMatchObject({ price: 971, model: { name: "shallow" } });
    await point("quick", { name: "steep", version: 1 });
    expect((await ask()).model.name).toBe("shallow");
    pass(5.1);
    expect((await ask()).model.name).toBe("steep");
  });

  it("moves only what the caller saw", async () => {
    await put("seen", "steep@1");
    expect((await put("seen", "steep@2", { "if-match": '"1"' })).status).toBe(200);
    const late = await put("seen", "shallow@1", { "if-match": '"1"' });
    expect(late.status).toBe(412);
    expect(late.body.detail).toContain("revision 2");
    expect((await put("seen", "shallow@1", { "if-match": '"7", "2"' })).status).toBe(200);
    expect((await put("seen", "steep@1", { "if-match": "*" })).status).toBe(200);
    expect((await put("unseen", "steep@1", { "if-match": "*" })).status).toBe(412);
    expect((await put("unseen", "steep@1", { "if-match": '"1"' })).status).toBe(412);
    for (const header of ["1", '"x"', 'W/"1"', "**", '"1" "2"']) {
      const { status, body } = await put("seen", "steep@1", { "if-match": header });
      expect(status, header).toBe(422);
      expect(body.errors).toMatchObject([{ path: "if-match" }]);
    }
    expect(await history("seen")).toHaveLength(4);
  });

  it("of two at once lets one win, or both one after the other", async () => {
    await put("contested", "steep@1");
    const racers = await Promise.all(
      ["steep@2", "shallow@1", "steep@2", "shallow@1"].map((model) =>
        put("contested", model, { "if-match": '"1"' }),
      ),
    );
    expect(racers.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412]);
    const others = await Promise.all(
      ["steep@2", "shallow@1", "steep@1"].map((model) => put("contested", model)),
    );
    expect(others.map(({ status }) => status)).toEqual([200, 200, 200]);
    const moves = await history("contested");
    expect(moves.map(({ revision }) => revision)).toEqual([5, 4, 3, 2, 1]);
    // Each move says where the alias really was.
    moves.slice(0, -1).forEach(({ from }, i) => {
      expect(from).toEqual({ name: moves[i + 1]?.name, version: moves[i + 1]?.version });
    });
  });

  it.each([
    ["steep@9", "model", "there is no version steep@9"],
    ["nobody@1", "model", "there is no version nobody@1"],
    ["steep", "model", "such as log-linear@3"],
    ["Steep@1", "model", "such as log-linear@3"],
    ["../steep@1", "model", "such as log-linear@3"],
    ["steep@0", "model", "such as log-linear@3"],
  ])("refuses %s, which is no version", async (model, path, message) => {
    const { status, body } = await put("strict", model);
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([{ path, message: expect.stringContaining(message) }]);
    expect((await get("/v1/aliases/strict")).status).toBe(404);
  });

  it.each(["missing@1", "strange@1", "no-onnx@1"])("refuses %s, whose file prices nothing", async (model) => {
    await put(`safe-${model[0]}`, "steep@1");
    for (const body of [{ model }, { model: "steep@2", canary: model, share: 5 }]) {
      const answer = await send("PUT", `safe-${model[0]}`, { ...body, reason: "try" });
      expect(answer.status).toBe(409);
      expect(answer.body.detail).toContain(`${model} is missing or broken`);
    }
    expect(await history(`safe-${model[0]}`)).toHaveLength(1);
  });

  it("does not blame a file that cannot be read for the moment", async () => {
    await publish({ name: "unread", version: 1, file: decode(inject("slopes")[1] ?? "") });
    const MODELS = wrap(env.MODELS, { get: () => Promise.reject(new Error("R2 is down")) });
    const body = { model: "unread@1", reason: "try" };
    expect((await send("PUT", "patient", body, {}, { ...env, MODELS })).status).toBe(503);
    pass(11);
    expect((await send("PUT", "patient", body)).status).toBe(201);
  });

  it.each([
    [{ model: "steep@1" }, ["reason"]],
    [{ model: "steep@1", reason: " " }, ["reason"]],
    [{ model: "steep@1", reason: "x".repeat(501) }, ["reason"]],
    [{ reason: "x" }, ["model"]],
    [{ model: "steep@1", reason: "x", shares: 5 }, ["shares"]],
    [{ model: "steep@1", reason: "x", share: 5 }, ["canary"]],
    [{ model: "steep@1", reason: "x", canary: "steep@2" }, ["share"]],
    [{ model: "steep@1", reason: "x", canary: "steep@1", share: 5 }, ["canary"]],
    [{ model: "steep@1", reason: "x", canary: "steep@2", share: 101 }, ["share"]],
    [{ model: "steep@1", reason: "x", canary: "steep@2", share: 0.5 }, ["share"]],
    [{ model: "steep@1", reason: "x", canary: "steep@7", share: 5 }, ["canary"]],
  ])("refuses %j", async (body, paths) => {
    const answer = await send("PUT", "tidy", body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors?.map(({ path }) => path)).toEqual(paths);
  });

  it("gives an alias no name of a model, nor one that is none, nor a challenger a canary", async () => {
    expect((await put("steep", "shallow@1")).body.errors).toMatchObject([{ path: "alias" }]);
    for (const alias of ["Champion", "a b", "champion@1", "x".repeat(65)])
      expect((await put(encodeURIComponent(alias), "steep@1")).status).toBe(422);
    const body = { model: "steep@1", reason: "x", canary: "steep@2", share: 5 };
    expect((await send("PUT", "challenger", body)).body.errors).toMatchObject([{ path: "canary" }]);
  });
});

describe("DELETE /v1/aliases/{alias}", () => {
  it("takes an alias away; made again, its history goes on", async () => {
    await send("PUT", "challenger", { model: "steep@2", reason: "shadow it", share: 50 });
    const early = await send("DELETE", "challenger", { reason: "enough" }, { "if-match": '"9"' });
    expect(early.status).toBe(412);
    const gone = await send<AliasMove>("DELETE", "challenger", { reason: "enough" });
    expect(gone.status).toBe(200);
    expect(gone.body).toMatchObject({
      revision: 2,
      removed: true,
      name: "steep",
      version: 2,
      actor: "marta",
    });
    expect((await get("/v1/aliases/challenger")).status).toBe(404);
    expect((await send("DELETE", "challenger", { reason: "enough" })).status).toBe(404);
    const again = await send("PUT", "challenger", { model: "shallow@1", reason: "another", share: 5 });
    expect(again.status).toBe(201);
    expect(again.etag).toBe('"3"');
    expect((await history("challenger")).map(({ removed, from }) => [removed, from?.name])).toEqual([
      [false, undefined],
      [true, "steep"],
      [false, undefined],
    ]);
  });

  it("leaves the champion, and asks for a reason", async () => {
    await put("champion", "steep@1");
    expect((await send("DELETE", "champion", { reason: "enough" })).status).toBe(409);
    expect((await send("DELETE", "first", {})).status).toBe(422);
    expect((await get("/v1/aliases/champion")).status).toBe(200);
  });
});

describe("a champion that moves again and again", () => {
  /** The longest that an isolate goes on with what it knows, and how long it waits for an answer; and a margin. */
  const BOUND_MS = 5_000 + 1_000 + 500;
  const FLIPS = 20;
  /** Each move leads to a version of its own, so that an old one is told from a new one. */
  const priceOf = (version: number) => (version % 2 === 0 ? 1521 : 971);

  beforeAll(async () => {
    for (let version = 1; version <= FLIPS + 1; version++)
      await publish({ name: "flip", version, file: version % 2 === 0 ? "steep" : "shallow" });
  });

  it("fails no request, and no answer is of a version that has long been replaced", async () => {
    await put("champion", "flip@1");
    /** Until when each version was champion. */
    const until = new Map<number, number>();
    let over = false;
    let answers = 0;
    let longest = 0;
    const client = async () => {
      while (!over) {
        const asked = Date.now();
        const { status, body } = await post<Answered>("/v1/predictions", STONE);
        expect(status).toBe(200);
        expect(body.model.name).toBe("flip");
        expect(body.price).toBe(priceOf(body.model.version));
        longest = Math.max(longest, asked - (until.get(body.model.version) ?? asked));
        answers++;
      }
    };
    const clients = Array.from({ length: 10 }, client);
    for (let flip = 1; flip <= FLIPS; flip++) {
      await scheduler.wait(500);
      const to = { name: "flip", version: flip + 1, share: null, canary: null };
      // At last all moves come from elsewhere: this isolate is not told.
      if (flip < 8 && flip % 2 === 0) await put("champion", `flip@${to.version}`);
      else {
        const before = await readAliasState(env.DB, "champion");
        await moveAlias(env.DB, "champion", before, to, { actor: "elsewhere", reason: "flip" });
      }
      until.set(flip, Date.now());
    }
    over = true;
    await Promise.all(clients);
    expect(answers).toBeGreaterThan(100);
    expect(longest).toBeGreaterThan(0);
    expect(longest).toBeLessThan(BOUND_MS);
    pass(6);
    const { body } = await post<Answered>("/v1/predictions", STONE);
    expect(body.model.version).toBe(FLIPS + 1);
    expect((await history("champion")).length).toBeGreaterThan(FLIPS);
  });
});
