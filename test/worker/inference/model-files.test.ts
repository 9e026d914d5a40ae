/** Responses and log records if an alias or a model file cannot be used. */
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, describe, expect, it, vi } from "vitest";
import type { Prediction } from "../../../src/domain/prediction/prediction.ts";
import type { Warning } from "../../../src/domain/prediction/warning.ts";
import { call, get, type ProblemDetails, post, readLogRecord, STONE } from "../support/call.ts";
import { moveClock, stopClock } from "../support/clock.ts";
import { createConnectionLostError, createFaultyDatabase, overrideMethods } from "../support/faults.ts";
import {
  pointAlias,
  publishModel,
  readLinearModel,
  readModelFile,
  warmUpRuntime,
} from "../support/registry.ts";

type PredictionBody = Prediction & { model: { name: string; version: number } };

const GOOD_MODEL = { name: "good", version: 1 };
const predict = (selector: string, bindings?: Env) =>
  post<PredictionBody & ProblemDetails>(`/v1/predictions?model=${selector}`, STONE, bindings);

beforeAll(async () => {
  await publishModel({ ...GOOD_MODEL, file: "steep" });
});

afterEach(() => {
  vi.useRealTimers();
});

describe("if there is no champion", () => {
  it.each(["/ready", "/v1/diamonds/similar?carat=1&cut=Ideal&color=H&clarity=SI2"])(
    "%s says that the training must be run",
    async (path) => {
      const { status, body, response } = await get<ProblemDetails>(path);
      expect(status).toBe(503);
      expect(body.type).toBe("urn:facet:problem:not-ready");
      expect(body.detail).toContain("npm run train");
      expect(response.headers.get("retry-after")).toBe("30");
    },
  );

  it("a prediction gets the same answer, also if the database has no tables", async () => {
    expect((await predict("champion")).body.type).toBe("urn:facet:problem:not-ready");
    const envWithoutTables = { ...env, DB: env.LOG_DB };
    const { status, body, id } = await predict("newcomer", envWithoutTables);
    expect({ status, type: body.type }).toEqual({ status: 503, type: "urn:facet:problem:not-ready" });
    expect((await readLogRecord(id))?.problem).toContain("no such table");
    expect((await get<ProblemDetails>("/v1/models", envWithoutTables)).status).toBe(503);
  });

  it("the models can still be listed", async () => {
    const { status, body } = await get<{ models: unknown[]; aliases: object }>("/v1/models");
    expect(status).toBe(200);
    expect(body.models).toHaveLength(1);
    expect(body.aliases).toEqual({});
  });
});

describe("a file that cannot be used", () => {
  beforeAll(warmUpRuntime);

  const brokenFiles: [string, () => Promise<{ name: string; version: number }>][] = [
    [
      "missing",
      async () => {
        await publishModel({ name: "missing", version: 1 });
        return { name: "missing", version: 1 };
      },
    ],
    [
      "replaced",
      async () => {
        await env.MODELS.put(
          await publishModel({
            name: "replaced",
            version: 1,
            file: readLinearModel(0),
          }),
          readModelFile("shallow"),
        );
        return { name: "replaced", version: 1 };
      },
    ],
    [
      "truncated",
      async () => {
        const whole = readLinearModel(1);
        await env.MODELS.put(
          await publishModel({ name: "truncated", version: 1, file: whole }),
          whole.slice(0, 99),
        );
        return { name: "truncated", version: 1 };
      },
    ],
    [
      "no-onnx",
      async () => {
        await publishModel({ name: "no-onnx", version: 1, file: new Uint8Array([1, 2, 3]) });
        return { name: "no-onnx", version: 1 };
      },
    ],
    [
      "no-price",
      async () => {
        await publishModel({ name: "no-price", version: 1, file: "noPrice" });
        return { name: "no-price", version: 1 };
      },
    ],
    ["unregistered", async () => ({ name: "unregistered", version: 9 })],
  ];

  it.each(brokenFiles)("%s: the previous version of the alias answers", async (name, publishBroken) => {
    const target = await publishBroken();
    const alias = `alias-${name}`;
    await pointAlias(alias, { name: "unregistered-too", version: 1 });
    await pointAlias(alias, GOOD_MODEL);
    await pointAlias(alias, target);
    for (const attempt of [1, 2]) {
      const { status, body, id } = await predict(alias);
      expect(status, `attempt ${attempt}`).toBe(200);
      expect(body).toMatchObject({
        price: 1521,
        model: GOOD_MODEL,
        warnings: [
          {
            code: "previous-version",
            message: `The ${alias} ${name}@${target.version} could not be loaded. The previous ${alias}, good@1, answered.`,
            fields: [],
          },
        ],
      });
      const record = await readLogRecord(id);
      expect(record).toMatchObject({ model: "good", modelVersion: 1, status: 200 });
      expect(record?.problem).toContain(`${name}@${target.version}`);
    }
    const batch = await post<{ warnings: Warning[] }>(`/v1/predictions/batch?model=${alias}`, {
      diamonds: [STONE],
    });
    expect(batch.body.warnings).toHaveLength(1);
  });

  it.each(brokenFiles.slice(0, 5).map(([name]) => name))(
    "%s: a request for the named model gets a 503",
    async (name) => {
      for (const selector of [name, `${name}@1`]) {
        const { status, body, response, id } = await predict(selector);
        expect(status).toBe(503);
        expect(body.detail).toContain(`${name}@1`);
        expect(response.headers.get("retry-after")).toBe("5");
        expect((await readLogRecord(id))?.problem).toContain(`${name}@1 cannot be used`);
      }
    },
  );

  it("leads to a 503 if the alias has no previous version", async () => {
    await pointAlias("without-previous", { name: "missing", version: 1 });
    expect((await predict("without-previous")).status).toBe(503);
  });

  it("is read again after ten seconds", async () => {
    const file = readLinearModel(2);
    const key = await publishModel({ name: "late", version: 1, file });
    await env.MODELS.delete(key);
    expect((await predict("late")).status).toBe(503);
    await env.MODELS.put(key, file);
    expect((await predict("late")).status).toBe(503);
    moveClock(11);
    expect((await predict("late")).body.price).toBe(330 + 421);
  });

  it("in an unavailable bucket leads to a 503, but a loaded model still works", async () => {
    const brokenEnv = {
      ...env,
      MODELS: overrideMethods(env.MODELS, { get: () => Promise.reject(new Error("R2 is down")) }),
    };
    await publishModel({ name: "uncached", version: 1, file: readLinearModel(3) });
    const { status, id } = await predict("uncached", brokenEnv);
    expect(status).toBe(503);
    expect((await readLogRecord(id))?.problem).toContain("R2 is down");
    expect((await predict("good", brokenEnv)).status).toBe(200);
  });
});

describe("a model file", () => {
  it("is read once for simultaneous first requests", async () => {
    await publishModel({ name: "popular", version: 1, file: readLinearModel(4) });
    let reads = 0;
    const get = async (key: string) => {
      reads++;
      return env.MODELS.get(key);
    };
    const countingEnv = { ...env, MODELS: overrideMethods(env.MODELS, { get: get as R2Bucket["get"] }) };
    const answers = await Promise.all(Array.from({ length: 20 }, () => predict("popular", countingEnv)));
    expect(answers.map(({ body }) => body.price)).toEqual(Array(20).fill(660 + 421));
    expect(reads).toBe(1);
  });

  it("is evicted from the cache after several others were used, and is read again", async () => {
    const slopes = [100, 200, 300, 400, 600, 700];
    for (const [i, slope] of slopes.entries()) {
      await publishModel({
        name: `slope-${slope}`,
        version: 1,
        file: readLinearModel(i),
        // Two of them fit.
        facts: { memoryBytes: 30_000_000, sessionBytes: 25_000_000 },
      });
    }
    let reads = 0;
    const get = async (key: string) => {
      reads++;
      return env.MODELS.get(key);
    };
    const countingEnv = { ...env, MODELS: overrideMethods(env.MODELS, { get: get as R2Bucket["get"] }) };
    for (let round = 0; round < 2; round++) {
      for (const slope of slopes) {
        moveClock(11);
        const { body } = await predict(`slope-${slope}`, countingEnv);
        expect(body.price).toBeCloseTo(slope * 1.1 + 421, 2);
      }
    }
    expect(reads).toBeGreaterThan(slopes.length);
    const readsBefore = reads;
    await predict("slope-700", countingEnv);
    expect(reads).toBe(readsBefore);
  });
});

describe("an alias", () => {
  it("is read once in five seconds, and a move then takes effect", async () => {
    await pointAlias("moving", GOOD_MODEL);
    await publishModel({ name: "better", version: 1, file: "shallow" });
    let statements = 0;
    const countingEnv = {
      ...env,
      DB: createFaultyDatabase(env.DB, async () => {
        statements++;
      }),
    };
    stopClock();
    expect((await predict("moving", countingEnv)).body.model).toEqual(GOOD_MODEL);
    const statementsBefore = statements;
    await pointAlias("moving", { name: "better", version: 1 });
    expect((await predict("moving", countingEnv)).body.model).toEqual(GOOD_MODEL);
    expect(statements).toBe(statementsBefore);
    moveClock(6);
    expect((await predict("moving", countingEnv)).body.model).toEqual(GOOD_MODEL);
    expect((await predict("moving", countingEnv)).body.model).toEqual({ name: "better", version: 1 });
  });

  it("still works if the registry fails", async () => {
    await pointAlias("steady", GOOD_MODEL);
    await predict("steady");
    moveClock(60);
    const failingEnv = {
      ...env,
      DB: createFaultyDatabase(env.DB, async () => {
        throw createConnectionLostError();
      }),
    };
    const { status, body, id } = await predict("steady", failingEnv);
    expect(status).toBe(200);
    expect(body.model).toEqual(GOOD_MODEL);
    expect((await readLogRecord(id))?.problem).toContain("the registry did not answer");
    const unknown = await predict("uncached-alias", failingEnv);
    expect(unknown.status).toBe(503);
    expect(unknown.response.headers.get("retry-after")).toBe("5");
    expect(unknown.text).not.toContain("D1");
    for (const path of ["/v1/models", "/v1/models/good", "/v1/aliases/steady"]) {
      expect((await call(path, {}, failingEnv)).status).toBe(503);
    }
  });

  it("still works if the registry is slow", async () => {
    await pointAlias("cached", GOOD_MODEL);
    await predict("cached");
    moveClock(60);
    const slowEnv = { ...env, DB: createFaultyDatabase(env.DB, () => scheduler.wait(3000)) };
    const startedAt = performance.now();
    const { status } = await predict("cached", slowEnv);
    expect(status).toBe(200);
    expect(performance.now() - startedAt).toBeLessThan(4500);
  });

  it("leads to a 404 after it was removed", async () => {
    await pointAlias("removed", GOOD_MODEL);
    expect((await predict("removed")).status).toBe(200);
    await env.DB.prepare("DELETE FROM aliases WHERE alias = 'removed'").run();
    moveClock(15);
    expect((await predict("removed")).status).toBe(404);
  });
});

describe("GET /ready", () => {
  it("names the champion, or its previous version as the fallback", async () => {
    await pointAlias("champion", GOOD_MODEL);
    expect((await get("/ready")).body).toEqual({ status: "ready", model: GOOD_MODEL, warnings: [] });
    await pointAlias("champion", { name: "missing", version: 1 });
    moveClock(15);
    expect((await get("/ready")).body).toEqual({
      status: "ready",
      model: GOOD_MODEL,
      warnings: [
        {
          code: "previous-version",
          message: "The champion missing@1 could not be loaded. The previous champion, good@1, answered.",
          fields: [],
        },
      ],
    });
  });
});
