/** The budget for sessions: how many models an isolate loads and keeps, and what it refuses. */
import { env } from "cloudflare:workers";
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from "vitest";
import type { Prediction } from "../../../src/domain/prediction/prediction.ts";
import {
  MAX_LOADS,
  MAX_NAMED_LOADS,
  MAX_RUNTIME_MEMORY_BYTES,
  SESSION_BUDGET_BYTES,
} from "../../../src/inference/memory-budget.ts";
import { getRuntimeMemoryBytes } from "../../../src/inference/onnx-runtime.ts";
import { getSessionState } from "../../../src/inference/session-cache.ts";
import { type ProblemDetails, post, readLogRecord, STONE, sendWithoutBackground } from "../support/call.ts";
import { moveClock, stopClock } from "../support/clock.ts";
import { overrideMethods } from "../support/faults.ts";
import { pointAlias, publishModel, readLinearModel, warmUpRuntime } from "../support/registry.ts";

const VERSIONS = 40;
/** The index of the first linear model that no other test of this file uses, and its slope. */
const FIRST_INDEX = 9;
const FIRST_SLOPE = 2000;
const MB = 1_000_000;

type Body = Prediction & ProblemDetails & { model: { name: string; version: number } };

/** While true, no file is read to its end. */
let areReadsBlocked = false;
const reads: string[] = [];
const states: ReturnType<typeof getSessionState>[] = [];
/** Counts what is read, and notes the state of the cache each time. */
const bindings: Env = {
  ...env,
  MODELS: overrideMethods(env.MODELS, {
    get: (async (key: string) => {
      reads.push(key);
      states.push(getSessionState());
      while (areReadsBlocked) await scheduler.wait(1);
      return env.MODELS.get(key);
    }) as R2Bucket["get"],
  }),
};

const predict = (selector: string) => post<Body>(`/v1/predictions?model=${selector}`, STONE, bindings);
const waitUntil = (check: () => boolean) =>
  vi.waitFor(() => expect(check()).toBe(true), { timeout: 30_000, interval: 1 });

/** Publishes a linear model that says that it takes so many MB while it is loaded, and so many afterwards. */
const publish = (name: string, index: number, memoryMb: number, sessionMb: number, version = 1) =>
  publishModel({
    name,
    version,
    file: readLinearModel(index),
    facts: { memoryBytes: memoryMb * MB, sessionBytes: sessionMb * MB },
  });

beforeAll(async () => {
  await warmUpRuntime();
  await publish("first", 0, 20, 15);
  await pointAlias("champion", { name: "first", version: 1 });
});

beforeEach(() => {
  areReadsBlocked = false;
  reads.length = 0;
  states.length = 0;
});

afterEach(() => {
  vi.useRealTimers();
});

describe("many versions at once", () => {
  it("stay in the budget, are refused beyond it, and can be used afterwards; the champion answers", async () => {
    const selectors = Array.from({ length: VERSIONS }, (_, i) => `many-${i}@1`);
    for (let i = 0; i < VERSIONS; i++) await publish(`many-${i}`, FIRST_INDEX + i, 20, 10);
    expect((await predict("champion")).status).toBe(200);
    stopClock();
    areReadsBlocked = true;
    const refused: string[] = [];
    const answers = selectors.map(async (selector) => {
      const answer = await predict(selector);
      if (answer.status === 503) refused.push(selector);
      return answer;
    });
    // Those beyond the limit are refused while the others are still being loaded.
    await waitUntil(() => refused.length === VERSIONS - MAX_NAMED_LOADS);
    expect((await predict("champion")).body).toMatchObject({ model: { name: "first" }, warnings: [] });
    areReadsBlocked = false;
    for (const { status, body, response, id } of await Promise.all(answers)) {
      if (status === 200) continue;
      expect(status).toBe(503);
      expect(body.type).toBe("urn:facet:problem:unavailable");
      expect(body.detail).toContain("cannot be used now");
      expect(response.headers.get("retry-after")).toBe("1");
      expect((await readLogRecord(id))?.problem).toContain("other models are being loaded");
    }
    // One after the other they can be used: a refusal is not remembered as a failure.
    for (const [i, selector] of selectors.entries()) {
      moveClock(6);
      expect((await predict("champion")).body).toMatchObject({ model: { name: "first" }, warnings: [] });
      const { status, body } = await predict(selector);
      expect(status).toBe(200);
      expect(body.price).toBeCloseTo((FIRST_SLOPE + i) * STONE.carat + 421, 1);
    }
    expect(Math.max(...states.map(({ loads }) => loads))).toBe(MAX_NAMED_LOADS);
    expect(Math.max(...states.map(({ budgetedBytes }) => budgetedBytes))).toBeLessThanOrEqual(
      SESSION_BUDGET_BYTES,
    );
    expect(Math.max(...states.map(({ sessions }) => sessions))).toBeGreaterThan(2);
    expect(getRuntimeMemoryBytes()).toBeGreaterThan(0);
    expect(getRuntimeMemoryBytes()).toBeLessThanOrEqual(MAX_RUNTIME_MEMORY_BYTES);
    expect(getSessionState().loads).toBe(0);
    // The champion was loaded once.
    expect(reads.filter((key) => key.startsWith("models/first/"))).toHaveLength(1);
  });

  it("in turn do not keep the isolate busy: a new session stays for some seconds", async () => {
    stopClock();
    for (let i = 0; i < 6; i++) await publish(`turn-${i}`, FIRST_INDEX + i, 20, 20);
    moveClock(61);
    const selectors = Array.from({ length: 6 }, (_, i) => `turn-${i}@1`);
    for (let round = 0; round < 3; round++) for (const selector of selectors) await predict(selector);
    expect(reads.length).toBeLessThan(selectors.length);
    const refused = await predict(selectors.at(-1)!);
    expect(refused.status).toBe(503);
    expect(refused.response.headers.get("retry-after")).toBe("5");
    moveClock(5);
    expect((await predict(selectors.at(-1)!)).status).toBe(200);
  });

  it("share one load if they are the same version", async () => {
    await publish("shared", 1, 20, 8);
    const answers = await Promise.all(Array.from({ length: 30 }, () => predict("shared@1")));
    expect(answers.map(({ status }) => status)).toEqual(Array(30).fill(200));
    expect(reads).toHaveLength(1);
  });
});

it("loads that never end are not waited for: after 15 seconds others take their place", async () => {
  stopClock();
  let started = 0;
  const get = () => {
    started++;
    return new Promise<never>(() => {});
  };
  const silent: Env = { ...env, MODELS: overrideMethods(env.MODELS, { get }) };
  const init = {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(STONE),
  };
  for (let i = 0; i < MAX_NAMED_LOADS; i++) {
    await publish(`stuck-${i}`, FIRST_INDEX + 20 + i, 12, 2);
    void sendWithoutBackground(`/v1/predictions?model=stuck-${i}@1`, init, silent);
  }
  await publish("after", FIRST_INDEX + 30, 12, 2);
  await waitUntil(() => started === MAX_NAMED_LOADS);
  expect((await predict("after@1")).status).toBe(503);
  moveClock(15);
  expect((await predict("after@1")).status).toBe(200);
  expect(getSessionState().loads).toBe(0);
});

describe("an alias", () => {
  it("whose version cannot be used now gets a 503 at once, and no previous version is loaded", async () => {
    for (const [i, name] of ["a", "b", "c", "d"].entries()) await publish(`busy-${name}`, 2 + i, 12, 2);
    await publish("old", 6, 12, 2);
    await publish("new", 7, 12, 2);
    await pointAlias("stable", { name: "old", version: 1 });
    await pointAlias("stable", { name: "new", version: 1 });
    await pointAlias("other", { name: "busy-d", version: 1 });
    areReadsBlocked = true;
    const loading = ["busy-a@1", "busy-b@1", "busy-c@1"].map(predict);
    await waitUntil(() => reads.length === MAX_NAMED_LOADS);
    // One load is left for aliases.
    expect((await predict("busy-d@1")).status).toBe(503);
    loading.push(predict("other"));
    await waitUntil(() => reads.length === MAX_LOADS);
    const { status, response, body, id } = await predict("stable");
    expect(status).toBe(503);
    expect(body.detail).toContain("new@1 cannot be used now");
    expect(response.headers.get("retry-after")).toBe("1");
    expect(reads).toHaveLength(MAX_LOADS);
    expect((await readLogRecord(id))?.problem).not.toContain("old@1");
    areReadsBlocked = false;
    expect((await Promise.all(loading)).map((answer) => answer.status)).toEqual([200, 200, 200, 200]);
    expect((await predict("stable")).body).toMatchObject({ model: { name: "new" }, warnings: [] });
  });

  it("keeps its session for a minute while others ask for versions by name", async () => {
    await publish("large", 8, 48, 48);
    await predict("champion");
    reads.length = 0;
    const { status, response } = await predict("large@1");
    expect(status).toBe(503);
    expect(response.headers.get("retry-after")).toBe("5");
    expect((await predict("champion")).status).toBe(200);
    expect(reads).toEqual([]);
    moveClock(61);
    expect((await predict("large@1")).status).toBe(200);
    // An alias may evict what others have asked for.
    expect((await predict("champion")).status).toBe(200);
    expect(reads).toHaveLength(2);
  });
});

describe("a version that is too large", () => {
  it("is refused with both numbers, measured or estimated, and its file is not read", async () => {
    await publish("huge", 1, 154.3, 31);
    const file = readLinearModel(2);
    await publishModel({ name: "huge", version: 2, file, facts: { bytes: 6.86 * MB } });
    for (const [selector, need] of [
      ["huge@1", "it needs 154.3 MB of memory, and"],
      ["huge@2", "it needs 226.4 MB of memory (estimated from the size of its file), and"],
    ] as const) {
      const { status, body, response } = await predict(selector);
      expect(status).toBe(503);
      expect(body.detail).toBe(
        `${selector} is too large to serve: ${need} at most 48.0 MB are allowed. Use another version.`,
      );
      expect(response.headers.get("retry-after")).toBe("300");
    }
    expect(reads).toEqual([]);
  });

  it("is passed over by an alias that already points at it", async () => {
    await pointAlias("outgrown", { name: "first", version: 1 });
    await pointAlias("outgrown", { name: "huge", version: 1 });
    const { status, body } = await predict("outgrown");
    expect(status).toBe(200);
    expect(body).toMatchObject({ model: { name: "first" }, warnings: [{ code: "previous-version" }] });
  });

  it("cannot end the isolate if the record is wrong: the runtime has a maximum, and goes on", async () => {
    await publishModel({ name: "greedy", version: 1, file: "greedy" });
    for (let attempt = 0; attempt < 3; attempt++) {
      const { status, id } = await predict("greedy@1");
      expect(status).toBe(503);
      expect((await readLogRecord(id))?.problem).toContain("the runtime is out of memory");
      expect(getRuntimeMemoryBytes()).toBeLessThanOrEqual(MAX_RUNTIME_MEMORY_BYTES);
      expect((await predict("champion")).body).toMatchObject({ model: { name: "first" }, warnings: [] });
    }
  });
});
