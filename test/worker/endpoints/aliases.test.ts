import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import { moveAlias, readAliasState } from "../../../src/db/registry/aliases.ts";
import type { Alias, AliasMove } from "../../../src/domain/models/alias.ts";
import type { ModelReference } from "../../../src/domain/models/model-reference.ts";
import { type Answer, call, get, type ProblemDetails, post, STONE } from "../support/call.ts";
import { moveClock, stopClock } from "../support/clock.ts";
import { overrideMethods } from "../support/faults.ts";
import { createAuthorizationHeader, createKey } from "../support/keys.ts";
import { pointAlias, publishModel, readLinearModel, warmUpRuntime } from "../support/registry.ts";

type PredictionBody = { price: number; model: ModelReference };

let admin: Record<string, string>;

async function sendChange<Body = Alias & ProblemDetails>(
  alias: string,
  body: unknown,
  headers: Record<string, string> = {},
  bindings: Env = env,
): Promise<Answer & { body: Body; etag: string | null }> {
  const answer = await call(
    `/v1/aliases/${alias}`,
    {
      method: "PUT",
      headers: { ...admin, "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
    },
    bindings,
  );
  return { ...answer, body: JSON.parse(answer.text), etag: answer.response.headers.get("etag") };
}

async function removeAlias<Body = ProblemDetails>(
  alias: string,
  query = "?reason=enough",
  headers: Record<string, string> = {},
): Promise<Answer & { body: Body }> {
  const init = { method: "DELETE", headers: { ...admin, ...headers } };
  const answer = await call(`/v1/aliases/${alias}${query}`, init);
  return { ...answer, body: JSON.parse(answer.text) };
}

const putAlias = (alias: string, model: string, headers?: Record<string, string>) =>
  sendChange(alias, { model, reason: `to ${model}` }, headers);

async function readHistory(alias: string): Promise<AliasMove[]> {
  return (await get<{ history: AliasMove[] }>(`/v1/aliases/${alias}?limit=100`)).body.history;
}

beforeAll(async () => {
  admin = createAuthorizationHeader(await createKey("marta", ["admin"]));
  await publishModel({ name: "steep", version: 1, file: "steep" });
  await warmUpRuntime();
  await publishModel({ name: "steep", version: 2, file: readLinearModel(0) });
  await publishModel({ name: "shallow", version: 1, file: "shallow" });
  await publishModel({ name: "missing", version: 1 });
  await publishModel({ name: "strange", version: 1, file: "noPrice" });
  await publishModel({ name: "no-onnx", version: 1, file: new Uint8Array([1, 2, 3]) });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("PUT /v1/aliases/{alias}", () => {
  it("creates an alias, moves it and rolls it back, and records who did it and why", async () => {
    const created = await putAlias("first", "steep@1");
    expect(created.status).toBe(201);
    expect(created.etag).toBe('"1"');
    expect((await get<PredictionBody>("/v1/aliases/first")).response.headers.get("etag")).toBe('"1"');
    const moved = await putAlias("first", "shallow@1");
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
    expect((await putAlias("first", "steep@1")).etag).toBe('"3"');
    expect(await readHistory("first")).toMatchObject([
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

  it("takes effect immediately in the isolate that moved the alias, and within 15 seconds in others", async () => {
    await putAlias("quick", "steep@1");
    const predict = async () => (await post<PredictionBody>("/v1/predictions?model=quick", STONE)).body;
    stopClock();
    expect(await predict()).toMatchObject({ price: 1521, model: { name: "steep" } });
    await putAlias("quick", "shallow@1");
    expect(await predict()).toMatchObject({ price: 971, model: { name: "shallow" } });
    await pointAlias("quick", { name: "steep", version: 1 });
    expect((await predict()).model.name).toBe("shallow");
    moveClock(4.9);
    expect((await predict()).model.name).toBe("shallow");
    // The first request after 5 seconds reads the alias in the background.
    moveClock(0.2);
    expect((await predict()).model.name).toBe("shallow");
    expect((await predict()).model.name).toBe("steep");
    await pointAlias("quick", { name: "shallow", version: 1 });
    moveClock(15);
    expect((await predict()).model.name).toBe("shallow");
  });

  it("moves the alias only if If-Match names its current revision", async () => {
    await putAlias("seen", "steep@1");
    expect((await putAlias("seen", "steep@2", { "if-match": '"1"' })).status).toBe(200);
    const late = await putAlias("seen", "shallow@1", { "if-match": '"1"' });
    expect(late.status).toBe(412);
    expect(late.body.detail).toContain("revision 2");
    expect((await putAlias("seen", "shallow@1", { "if-match": '"7", "2"' })).status).toBe(200);
    expect((await putAlias("seen", "steep@1", { "if-match": "*" })).status).toBe(200);
    expect((await putAlias("unseen", "steep@1", { "if-match": "*" })).status).toBe(412);
    expect((await putAlias("unseen", "steep@1", { "if-match": '"1"' })).status).toBe(412);
    // Also the current revision, if it is not a strong tag.
    for (const header of ["4", '"x"', 'W/"4"', "**", '"1" "2"'])
      expect((await putAlias("seen", "steep@1", { "if-match": header })).status, header).toBe(412);
    expect(await readHistory("seen")).toHaveLength(4);
  });

  it("lets one of several concurrent moves with If-Match succeed, and all moves without it", async () => {
    await putAlias("contested", "steep@1");
    const conditional = await Promise.all(
      ["steep@2", "shallow@1", "steep@2", "shallow@1"].map((model) =>
        putAlias("contested", model, { "if-match": '"1"' }),
      ),
    );
    expect(conditional.map(({ status }) => status).sort()).toEqual([200, 412, 412, 412]);
    const unconditional = await Promise.all(
      ["steep@2", "shallow@1", "steep@1"].map((model) => putAlias("contested", model)),
    );
    expect(unconditional.map(({ status }) => status)).toEqual([200, 200, 200]);
    const moves = await readHistory("contested");
    expect(moves.map(({ revision }) => revision)).toEqual([5, 4, 3, 2, 1]);
    // Each move has the previous version of the alias in `from`.
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
  ])("rejects %s, which is not an existing version", async (model, path, message) => {
    const { status, body } = await putAlias("strict", model);
    expect(status).toBe(422);
    expect(body.errors).toMatchObject([{ path, message: expect.stringContaining(message) }]);
    expect((await get("/v1/aliases/strict")).status).toBe(404);
  });

  it.each(["missing@1", "strange@1", "no-onnx@1"])(
    "rejects %s, whose file cannot price a stone",
    async (model) => {
      await putAlias(`safe-${model[0]}`, "steep@1");
      for (const body of [{ model }, { model: "steep@2", canary: model, share: 5 }]) {
        const answer = await sendChange(`safe-${model[0]}`, { ...body, reason: "try" });
        expect(answer.status).toBe(409);
        expect(answer.body.detail).toContain(`${model} is missing or broken`);
      }
      expect(await readHistory(`safe-${model[0]}`)).toHaveLength(1);
    },
  );

  it("rejects a version that is too large with both numbers, before its file is read", async () => {
    const large = { name: "large", file: readLinearModel(2) };
    await publishModel({
      ...large,
      version: 1,
      facts: { memoryBytes: 154_300_000, sessionBytes: 31_400_000 },
    });
    await publishModel({ ...large, version: 2, facts: { bytes: 6_860_000 } });
    await putAlias("small", "steep@1");
    const reads: string[] = [];
    const get = async (key: string) => {
      reads.push(key);
      return env.MODELS.get(key);
    };
    const bindings = { ...env, MODELS: overrideMethods(env.MODELS, { get: get as R2Bucket["get"] }) };
    for (const [model, need, advice] of [
      ["large@1", "154.3 MB of memory", ""],
      [
        "large@2",
        "226.4 MB of memory (estimated from the size of its file)",
        " npm run promote measures what it needs.",
      ],
    ] as const) {
      const detail = `${model} is too large to serve: it needs ${need}, and at most 48.0 MB are allowed. Nothing was changed.${advice}`;
      for (const [alias, body] of [
        ["small", { model }],
        ["small", { model: "steep@1", canary: model, share: 5 }],
        ["challenger", { model, share: 5 }],
      ] as const) {
        const answer = await sendChange(alias, { ...body, reason: "try" }, {}, bindings);
        expect(answer.status).toBe(409);
        expect(answer.body.detail).toBe(detail);
      }
    }
    expect(reads.filter((key) => key.startsWith("models/large/"))).toEqual([]);
    expect(await readHistory("small")).toHaveLength(1);
  });

  it("answers 503 if the file cannot be read at the moment, and accepts the version later", async () => {
    await publishModel({ name: "unread", version: 1, file: readLinearModel(1) });
    const MODELS = overrideMethods(env.MODELS, { get: () => Promise.reject(new Error("R2 is down")) });
    const body = { model: "unread@1", reason: "try" };
    expect((await sendChange("patient", body, {}, { ...env, MODELS })).status).toBe(503);
    moveClock(11);
    expect((await sendChange("patient", body)).status).toBe(201);
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
  ])("rejects the body %j", async (body, paths) => {
    const answer = await sendChange("tidy", body);
    expect(answer.status).toBe(422);
    expect(answer.body.errors?.map(({ path }) => path)).toEqual(paths);
  });

  it("rejects an alias that has the name of a model or an invalid name, and a canary for the challenger", async () => {
    expect((await putAlias("steep", "shallow@1")).body.errors).toMatchObject([{ path: "alias" }]);
    for (const alias of ["Champion", "a b", "champion@1", "x".repeat(65)])
      expect((await putAlias(encodeURIComponent(alias), "steep@1")).status).toBe(422);
    const body = { model: "steep@1", reason: "x", canary: "steep@2", share: 5 };
    expect((await sendChange("challenger", body)).body.errors).toMatchObject([{ path: "canary" }]);
  });
});

describe("GET /v1/aliases/{alias}", () => {
  it("answers 304 until the alias moves", async () => {
    await putAlias("watched", "steep@1");
    const read = async (tag: string) => call("/v1/aliases/watched", { headers: { "if-none-match": tag } });
    for (const tag of ['"1"', 'W/"1"', '"0", "1"', "*"]) {
      const { status, text, response } = await read(tag);
      expect([status, text], tag).toEqual([304, ""]);
      expect(response.headers.get("etag")).toBe('"1"');
    }
    await putAlias("watched", "steep@2");
    const { status, response } = await read('"1"');
    expect(status).toBe(200);
    expect(response.headers.get("etag")).toBe('"2"');
    expect(response.headers.get("cache-control")).toBe("private, no-cache");
  });
});

describe("DELETE /v1/aliases/{alias}", () => {
  it("removes an alias, and continues its history when it is created again", async () => {
    await sendChange("challenger", { model: "steep@2", reason: "shadow it", share: 50 });
    const early = await removeAlias("challenger", undefined, { "if-match": '"9"' });
    expect(early.status).toBe(412);
    const removed = await removeAlias<AliasMove>("challenger");
    expect(removed.status).toBe(200);
    expect(removed.body).toMatchObject({
      revision: 2,
      removed: true,
      name: "steep",
      version: 2,
      actor: "marta",
      reason: "enough",
    });
    expect((await get("/v1/aliases/challenger")).status).toBe(404);
    expect((await removeAlias("challenger")).status).toBe(404);
    const again = await sendChange("challenger", { model: "shallow@1", reason: "another", share: 5 });
    expect(again.status).toBe(201);
    expect(again.etag).toBe('"3"');
    expect((await readHistory("challenger")).map(({ removed, from }) => [removed, from?.name])).toEqual([
      [false, undefined],
      [true, "steep"],
      [false, undefined],
    ]);
  });

  it("does not remove the champion, and requires a reason", async () => {
    await putAlias("champion", "steep@1");
    expect((await removeAlias("champion")).status).toBe(409);
    const { status, body } = await removeAlias("first", "");
    expect(status).toBe(422);
    expect(body.detail).toBe("reason is required: send it as a parameter, ?reason=...");
    expect((await removeAlias("first", "?reason=%20")).status).toBe(422);
    expect((await get("/v1/aliases/champion")).status).toBe(200);
  });
});

describe("a champion that moves many times", () => {
  /** Freshness of a cached alias, plus the time of a read in the background, plus a margin. */
  const MAX_STALE_MS = 5_000 + 1_000 + 500;
  const MOVES = 20;
  /** Each move points at another version, so the test can tell old answers from new ones. */
  const getPrice = (version: number) => (version % 2 === 0 ? 1521 : 971);

  beforeAll(async () => {
    for (let version = 1; version <= MOVES + 1; version++)
      await publishModel({ name: "moving", version, file: version % 2 === 0 ? "steep" : "shallow" });
  });

  it("fails no request, and stops using an old version within the time limit", async () => {
    await putAlias("champion", "moving@1");
    /** Times at which a version stopped being the champion, by version. */
    const replacedAt = new Map<number, number>();
    let done = false;
    let answerCount = 0;
    let longestStaleMs = 0;
    const runClient = async () => {
      while (!done) {
        const sentAt = Date.now();
        const { status, body } = await post<PredictionBody>("/v1/predictions", STONE);
        expect(status).toBe(200);
        expect(body.model.name).toBe("moving");
        expect(body.price).toBe(getPrice(body.model.version));
        longestStaleMs = Math.max(longestStaleMs, sentAt - (replacedAt.get(body.model.version) ?? sentAt));
        answerCount++;
      }
    };
    const clients = Array.from({ length: 10 }, runClient);
    for (let version = 1; version <= MOVES; version++) {
      await scheduler.wait(500);
      const target = { name: "moving", version: version + 1, share: null, canary: null };
      // The later moves are written directly to the database: this isolate learns of them only
      // by its queries.
      if (version < 8 && version % 2 === 0) await putAlias("champion", `moving@${target.version}`);
      else {
        const before = await readAliasState(env.DB, "champion");
        await moveAlias(env.DB, "champion", before, target, { actor: "elsewhere", reason: "move" });
      }
      replacedAt.set(version, Date.now());
    }
    done = true;
    await Promise.all(clients);
    expect(answerCount).toBeGreaterThan(100);
    expect(longestStaleMs).toBeGreaterThan(0);
    expect(longestStaleMs).toBeLessThan(MAX_STALE_MS);
    moveClock(15);
    const { body } = await post<PredictionBody>("/v1/predictions", STONE);
    expect(body.model.version).toBe(MOVES + 1);
    expect((await readHistory("champion")).length).toBeGreaterThan(MOVES);
  });
});
