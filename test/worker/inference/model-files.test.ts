/** Faults between an alias and its price: what the caller gets, and what the log says. */
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, inject, it, vi } from "vitest";
import type { Prediction } from "../../../src/domain/prediction.ts";
import { call, get, logged, post, type Refusal, STONE } from "../support/call.ts";
import { faultyDatabase, lost, wrap } from "../support/faults.ts";
import { decode, onnx, point, publish } from "../support/registry.ts";

type Answered = Prediction & { model: { name: string; version: number } };

const GOOD = { name: "good", version: 1 };
const price = (selector: string, bindings?: Env) =>
  post<Answered & Refusal>(`/v1/predictions?model=${selector}`, STONE, bindings);

/** Lets time pass for the Worker's caches. */
function pass(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000);
}

beforeAll(async () => {
  await publish({ ...GOOD, file: "steep" });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("without a champion", () => {
  it.each(["/ready", "/v1/diamonds/similar?carat=1&cut=Ideal&color=H&clarity=SI2"])(
    "%s says to run the training",
    async (path) => {
      const { status, body, response } = await get<Refusal>(path);
      expect(status).toBe(503);
      expect(body.type).toBe("urn:facet:problem:not-ready");
      expect(body.detail).toContain("npm run train");
      expect(response.headers.get("retry-after")).toBe("30");
    },
  );

  it("so does a prediction, and a database without tables", async () => {
    expect((await price("champion")).body.type).toBe("urn:facet:problem:not-ready");
    const empty = { ...env, DB: env.LOG_DB };
    const { status, body, id } = await price("newcomer", empty);
    expect({ status, type: body.type }).toEqual({ status: 503, type: "urn:facet:problem:not-ready" });
    expect((await logged(id))?.problem).toContain("no such table");
    expect((await get<Refusal>("/v1/models", empty)).status).toBe(503);
  });

  it("the models are listed all the same", async () => {
    const { status, body } = await get<{ models: unknown[]; aliases: object }>("/v1/models");
    expect(status).toBe(200);
    expect(body.models).toHaveLength(1);
    expect(body.aliases).toEqual({});
  });
});

describe("a file that cannot be used", () => {
  const faults: [string, () => Promise<{ name: string; version: number }>][] = [
    [
      "missing",
      async () => {
        await publish({ name: "missing", version: 1 });
        return { name: "missing", version: 1 };
      },
    ],
    [
      "replaced",
      async () => {
        await env.MODELS.put(
          await publish({ name: "replaced", version: 1, file: decode(inject("slopes")[0] ?? "") }),
          onnx("shallow"),
        );
        return { name: "replaced", version: 1 };
      },
    ],
    [
      "truncated",
      async () => {
        const whole = decode(inject("slopes")[1] ?? "");
        await env.MODELS.put(
          await publish({ name: "truncated", version: 1, file: whole }),
          whole.slice(0, 99),
        );
        return { name: "truncated", version: 1 };
      },
    ],
    [
      "no-onnx",
      async () => {
        await publish({ name: "no-onnx", version: 1, file: new Uint8Array([1, 2, 3]) });
        return { name: "no-onnx", version: 1 };
      },
    ],
    [
      "strange",
      async () => {
        await publish({ name: "strange", version: 1, file: "strange" });
        return { name: "strange", version: 1 };
      },
    ],
    ["unregistered", async () => ({ name: "unregistered", version: 9 })],
  ];

  it.each(faults)("%s: the version that the alias pointed at before answers", async (name, make) => {
    const target = await make();
    const alias = `alias-${name}`;
    await point(alias, { name: "long-gone", version: 1 });
    await point(alias, GOOD);
    await point(alias, target);
    for (const turn of [1, 2]) {
      const { status, body, id } = await price(alias);
      expect(status, `turn ${turn}`).toBe(200);
      expect(body).toMatchObject({
        price: 1521,
        model: GOOD,
        warnings: [
          `The ${alias} ${name}@${target.version} could not be loaded; good@1, the ${alias} before it, answered.`,
        ],
      });
      const record = await logged(id);
      expect(record).toMatchObject({ model: "good", modelVersion: 1, status: 200 });
      expect(record?.problem).toContain(`${name}@${target.version}`);
    }
    const batch = await post<{ warnings: string[] }>(`/v1/predictions/batch?model=${alias}`, {
      diamonds: [STONE],
    });
    expect(batch.body.warnings).toHaveLength(1);
  });

  it.each(faults.slice(0, 5).map(([name]) => name))("%s: asked for by name, it is a 503", async (name) => {
    for (const selector of [name, `${name}@1`]) {
      const { status, body, response, id } = await price(selector);
      expect(status).toBe(503);
      expect(body.detail).toContain(`${name}@1`);
      expect(response.headers.get("retry-after")).toBe("5");
      expect((await logged(id))?.problem).toContain(`${name}@1 cannot be used`);
    }
  });

  it("without a predecessor is a 503", async () => {
    await point("alone", { name: "missing", version: 1 });
    expect((await price("alone")).status).toBe(503);
  });

  it("is tried again after some seconds", async () => {
    const file = decode(inject("slopes")[2] ?? "");
    const key = await publish({ name: "late", version: 1, file });
    await env.MODELS.delete(key);
    expect((await price("late")).status).toBe(503);
    await env.MODELS.put(key, file);
    expect((await price("late")).status).toBe(503);
    pass(11);
    expect((await price("late")).body.price).toBe(330 + 421);
  });

  it("of a bucket that fails is a 503; a loaded model goes on", async () => {
    const broken = {
      ...env,
      MODELS: wrap(env.MODELS, { get: () => Promise.reject(new Error("R2 is down")) }),
    };
    await publish({ name: "unseen", version: 1, file: decode(inject("slopes")[3] ?? "") });
    const { status, id } = await price("unseen", broken);
    expect(status).toBe(503);
    expect((await logged(id))?.problem).toContain("R2 is down");
    expect((await price("good", broken)).status).toBe(200);
  });

  it("is read once for overlapping first requests", async () => {
    await publish({ name: "popular", version: 1, file: decode(inject("slopes")[4] ?? "") });
    let reads = 0;
    const get = async (key: string) => {
      reads++;
      return env.MODELS.get(key);
    };
    const counted = { ...env, MODELS: wrap(env.MODELS, { get: get as R2Bucket["get"] }) };
    const answers = await Promise.all(Array.from({ length: 20 }, () => price("popular", counted)));
    expect(answers.map(({ body }) => body.price)).toEqual(Array(20).fill(660 + 421));
    expect(reads).toBe(1);
  });

  it("is let go of when others are used, and read again", async () => {
    const slopes = [100, 200, 300, 400, 600, 700];
    for (const [i, slope] of slopes.entries()) {
      await publish({ name: `slope-${slope}`, version: 1, file: decode(inject("slopes")[i] ?? "") });
    }
    let reads = 0;
    const get = async (key: string) => {
      reads++;
      return env.MODELS.get(key);
    };
    const counted = { ...env, MODELS: wrap(env.MODELS, { get: get as R2Bucket["get"] }) };
    pass(11);
    for (let round = 0; round < 2; round++) {
      for (const slope of slopes) {
        const { body } = await price(`slope-${slope}`, counted);
        expect(body.price).toBeCloseTo(slope * 1.1 + 421, 2);
      }
    }
    expect(reads).toBeGreaterThan(slopes.length);
    const before = reads;
    await price("slope-700", counted);
    expect(reads).toBe(before);
  });
});

describe("the pointer", () => {
  it("is asked for once in five seconds, and a moved alias arrives then", async () => {
    await point("moving", GOOD);
    await publish({ name: "better", version: 1, file: "shallow" });
    let asked = 0;
    const counted = {
      ...env,
      DB: faultyDatabase(env.DB, async () => {
        asked++;
      }),
    };
    expect((await price("moving", counted)).body.model).toEqual(GOOD);
    const before = asked;
    await point("moving", { name: "better", version: 1 });
    expect((await price("moving", counted)).body.model).toEqual(GOOD);
    expect(asked).toBe(before);
    pass(6);
    expect((await price("moving", counted)).body.model).toEqual({ name: "better", version: 1 });
  });

  it("goes on when the registry fails", async () => {
    await point("steady", GOOD);
    await price("steady");
    pass(60);
    const failing = {
      ...env,
      DB: faultyDatabase(env.DB, async () => {
        throw lost();
      }),
    };
    const { status, body, id } = await price("steady", failing);
    expect(status).toBe(200);
    expect(body.model).toEqual(GOOD);
    expect((await logged(id))?.problem).toContain("the registry did not answer");
    const unknown = await price("never-seen", failing);
    expect(unknown.status).toBe(503);
    expect(unknown.response.headers.get("retry-after")).toBe("5");
    expect(unknown.text).not.toContain("D1");
    for (const path of ["/v1/models", "/v1/models/good", "/v1/aliases/steady"]) {
      expect((await call(path, {}, failing)).status).toBe(503);
    }
  });

  it("goes on when the registry is slow", async () => {
    await point("patient", GOOD);
    await price("patient");
    pass(60);
    const slow = { ...env, DB: faultyDatabase(env.DB, () => scheduler.wait(3000)) };
    const start = performance.now();
    const { status } = await price("patient", slow);
    expect(status).toBe(200);
    expect(performance.now() - start).toBeLessThan(4500);
  });

  it("is forgotten when the alias is gone", async () => {
    await point("passing", GOOD);
    expect((await price("passing")).status).toBe(200);
    await env.DB.prepare("DELETE FROM aliases WHERE alias = 'passing'").run();
    pass(6);
    expect((await price("passing")).status).toBe(404);
  });
});

describe("GET /ready", () => {
  it("names the champion, or what stands in for it", async () => {
    await point("champion", GOOD);
    expect((await get("/ready")).body).toEqual({ status: "ready", model: GOOD, warnings: [] });
    await point("champion", { name: "missing", version: 1 });
    pass(6);
    expect((await get("/ready")).body).toEqual({
      status: "ready",
      model: GOOD,
      warnings: ["The champion missing@1 could not be loaded; good@1, the champion before it, answered."],
    });
  });
});
