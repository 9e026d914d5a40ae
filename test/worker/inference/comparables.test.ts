/** Comparable stones are kept in the isolate, because those of a dataset never change. */
import { createExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import { beforeAll, expect, it } from "vitest";
import type { SimilarDiamond } from "../../../src/domain/prediction/similar-diamond.ts";
import type { AppContext } from "../../../src/http/context.ts";
import { findComparables } from "../../../src/inference/comparables.ts";
import { resolveModel } from "../../../src/inference/resolve-version.ts";
import { get, STONE } from "../support/call.ts";
import { createFaultyDatabase } from "../support/faults.ts";
import { pointAlias, publishModel } from "../support/registry.ts";

let queries = 0;
const bindings = {
  ...env,
  DB: createFaultyDatabase(env.DB, async (sql) => {
    if (/batch|diamonds/.test(sql)) queries++;
  }),
};

async function findSimilar(parameters: Record<string, string | number>): Promise<SimilarDiamond[]> {
  const { cut, color, clarity } = STONE;
  const entries = Object.entries({ cut, color, clarity, ...parameters });
  const search = new URLSearchParams(entries.map(([name, value]) => [name, `${value}`]));
  const { status, body } = await get<{ diamonds: SimilarDiamond[] }>(
    `/v1/diamonds/similar?${search}`,
    bindings,
  );
  expect(status).toBe(200);
  return body.diamonds;
}

/** How many times a request asked the registry for stones. */
async function countQueries(request: () => Promise<unknown>): Promise<number> {
  const before = queries;
  await request();
  return queries - before;
}

beforeAll(async () => {
  await publishModel({ name: "first", version: 1, dataset: 1, seed: 1 });
  await publishModel({ name: "second", version: 1, dataset: 1, seed: 1 });
  await publishModel({ name: "other-seed", version: 1, dataset: 1, seed: 2 });
  await pointAlias("champion", { name: "first", version: 1 });
  const insert = env.DB.prepare(
    `INSERT INTO diamonds (id, carat, cut, color, clarity, depth, "table", x, y, z, price, split_key, since)
     SELECT 'stone-' || value, 1 + value / 1000.0, ?1, ?2, ?3, 61, 55, 6, 6, 4, 1000 + value, value * 7919, 1
     FROM json_each(?4)`,
  );
  const numbers = JSON.stringify(Array.from({ length: 200 }, (_, i) => i));
  await insert.bind(STONE.cut, STONE.color, STONE.clarity, numbers).run();
});

it("reads the registry once for a stone, and again for another stone, number or split", async () => {
  const first = await findSimilar({ carat: 1.05, n: 4 });
  expect(first).toHaveLength(4);
  const repeat = async () => expect(await findSimilar({ carat: 1.05, n: 4 })).toEqual(first);
  expect(await countQueries(repeat)).toBe(0);
  // Another model with the same training stones.
  expect(await countQueries(() => findSimilar({ carat: 1.05, n: 4, model: "second@1" }))).toBeLessThan(2);
  expect(await countQueries(() => findSimilar({ carat: 1.051, n: 4 }))).toBeGreaterThan(0);
  expect(await countQueries(() => findSimilar({ carat: 1.05, n: 5 }))).toBeGreaterThan(0);
  const otherSplit = await findSimilar({ carat: 1.05, n: 4, model: "other-seed@1" });
  expect(otherSplit).not.toEqual(first);
});

it("keeps the stones, and not their distance from a weight", async () => {
  const near = await findSimilar({ carat: 1.1, n: 3 });
  const nearer = await findSimilar({ carat: 1.1001, n: 3 });
  expect(nearer.map(({ id }) => id)).toEqual(near.map(({ id }) => id));
  expect(nearer.map(({ weightDifference }) => weightDifference)).not.toEqual(
    near.map(({ weightDifference }) => weightDifference),
  );
});

it("keeps a result that other requests drop while the registry is read", async () => {
  const [, model] = await Promise.all([
    findSimilar({ carat: 1.02, n: 2 }),
    resolveModel(createContext(env), "first@1"),
  ]);
  const { cut, color, clarity } = STONE;
  const toStone = (carat: number) => ({ cut, color, clarity, carat });
  const blocked = Promise.withResolvers<void>();
  const started = Promise.withResolvers<void>();
  const DB = createFaultyDatabase(env.DB, async () => {
    started.resolve();
    await blocked.promise;
  });
  const waiting = findComparables(createContext({ ...env, DB }), model, [toStone(1.02), toStone(1.0301)], 2);
  await started.promise;
  // Together more stones than are kept.
  for (let i = 0; i < 60; i++)
    await findComparables(createContext(env), model, [toStone(1.04 + i / 10_000)], 100);
  blocked.resolve();
  expect((await waiting).map((stones) => stones.length)).toEqual([2, 2]);
});

function createContext(bindings: Env): AppContext {
  const request = { at: Date.now(), diagnostics: [], caller: null, id: "" };
  return {
    env: bindings,
    executionCtx: createExecutionContext(),
    get: () => request,
    req: { header: () => undefined },
  } as unknown as AppContext;
}
