import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeAll, describe, expect, inject, it } from "vitest";
import { findSimilarDiamonds } from "../../../src/db/registry/diamonds.ts";
import { CLARITIES, COLORS, CUTS, type PricedStone, STONE_COLUMNS } from "../../../src/domain/diamond.ts";
import { isTestStone } from "../../../src/domain/split.ts";
import { get, type ProblemDetails, readLogRecord } from "../support/call.ts";
import { pointAlias, publishDataset, publishModel } from "../support/registry.ts";

interface Row extends PricedStone {
  id: string;
  splitKey: number;
  since: number;
  until: number | null;
}

const MODEL = { dataset: 2, seed: 42 };
/**
 * The embedded dataset. Some stones were added later, some were removed, and some belong to a later
 * dataset.
 */
const rows: readonly Row[] = (JSON.parse(inject("stones")) as Row[]).map((stone, i) => ({
  ...stone,
  since: i % 11 === 0 ? 3 : i % 5 === 0 ? 2 : 1,
  until: i % 7 === 0 ? 2 : i % 13 === 0 ? 3 : null,
}));
const groups = Map.groupBy(rows, ({ cut, color, clarity }) => `${cut},${color},${clarity}`);
const COMBINATIONS = CUTS.flatMap((cut) =>
  COLORS.flatMap((color) => CLARITIES.map((clarity) => ({ cut, color, clarity }))),
);

async function findSimilar(stone: StoneQuery, n: number, model = MODEL) {
  const { stones, rowsRead } = (await findSimilarDiamonds(env.DB, model, [stone], n))!;
  return { results: stones[0]!, rowsRead };
}

type StoneQuery = Pick<PricedStone, "carat" | "cut" | "color" | "clarity">;

/** Scans every stone. This defines the correct result. */
function findByScan({ carat, cut, color, clarity }: StoneQuery, n: number, { dataset, seed } = MODEL) {
  return (groups.get(`${cut},${color},${clarity}`) ?? [])
    .filter(({ since, until }) => since <= dataset && (until === null || until > dataset))
    .filter(({ splitKey }) => !isTestStone(splitKey, seed))
    .sort((a, b) => {
      const byId = a.id < b.id === a.carat >= carat ? -1 : 1;
      return Math.abs(a.carat - carat) - Math.abs(b.carat - carat) || b.carat - a.carat || byId;
    })
    .slice(0, n)
    .map(pickStone);
}

function pickStone(row: PricedStone): PricedStone {
  return Object.fromEntries(
    [...STONE_COLUMNS, "price" as const].map((key) => [key, row[key]]),
  ) as PricedStone;
}

beforeAll(async () => {
  for (const seq of [1, 2, 3, 4]) await publishDataset(seq);
  const insert = env.DB.prepare(
    `INSERT INTO diamonds (id, carat, cut, color, clarity, depth, "table", x, y, z, price, split_key, since, until)
     SELECT value ->> 'id', value ->> 'carat', value ->> 'cut', value ->> 'color', value ->> 'clarity', value ->> 'depth',
       value ->> 'table', value ->> 'x', value ->> 'y', value ->> 'z', value ->> 'price', value ->> 'splitKey',
       value ->> 'since', value ->> 'until' FROM json_each(?1)`,
  );
  for (let i = 0; i < rows.length; i += 5000)
    await insert.bind(JSON.stringify(rows.slice(i, i + 5000))).run();
});

describe("findSimilarDiamonds", () => {
  it("agrees with a scan of all stones for every cut, colour and clarity, and every n", async () => {
    expect(rows.length).toBeGreaterThan(53_000);
    let queryCount = 0;
    for (const [i, grades] of COMBINATIONS.entries()) {
      const known = groups.get(Object.values(grades).join(",")) ?? [];
      // The weight of a stone, weights between two stones, and both ends.
      const middle = known[Math.floor(known.length / 2)]?.carat ?? 1;
      for (const [j, carat] of [middle, middle + 0.005, middle - 0.05, 1, 0.001, 100].entries()) {
        const n = ((i * 6 + j) % 100) + 1;
        const stone = { ...grades, carat };
        const { results } = await findSimilar(stone, n);
        expect(results.map(pickStone), `${JSON.stringify(stone)}, n ${n}`).toEqual(findByScan(stone, n));
        queryCount++;
      }
    }
    expect(queryCount).toBe(280 * 6);
  });

  it("agrees with a scan of all stones for any weight, n, dataset and seed", async () => {
    const weight = fc.oneof(
      fc.constantFrom(...rows.slice(0, 5000).map(({ carat }) => carat)),
      fc.integer({ min: 1, max: 600 }).map((hundredths) => hundredths / 100),
      fc.double({ min: 0.001, max: 100, noNaN: true }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...COMBINATIONS),
        weight,
        fc.integer({ min: 1, max: 100 }),
        fc.record({ dataset: fc.integer({ min: 1, max: 4 }), seed: fc.integer({ min: 0, max: 2 ** 40 }) }),
        async (grades, carat, n, model) => {
          const { results } = await findSimilar({ ...grades, carat }, n, model);
          expect(results.map(pickStone)).toEqual(findByScan({ ...grades, carat }, n, model));
        },
      ),
      { numRuns: 300 },
    );
  });

  it("reads few rows, even if a hundred stones have the same weight", async () => {
    const counts = Map.groupBy(rows, ({ carat, cut, color, clarity }) => [carat, cut, color, clarity].join());
    const [most] = [...counts.values()].sort((a, b) => b.length - a.length);
    const [common] = most ?? [];
    if (common === undefined) throw new Error("no stones");
    for (const carat of [common.carat, common.carat + 0.001, common.carat - 0.001, 1]) {
      for (const n of [1, 5, 100]) {
        const { rowsRead } = await findSimilar({ ...common, carat }, n);
        // About half of the rows belong to other datasets or to the test split. They are read and skipped.
        expect(rowsRead).toBeLessThanOrEqual(4 * n + 20);
      }
    }
  });
});

interface SimilarBody {
  count: number;
  model: { name: string; version: number };
  diamonds: (PricedStone & { id: string; weightDifference: number })[];
}

describe("GET /v1/diamonds/similar", () => {
  const stoneQuery = { carat: 1.1, cut: "Ideal", color: "H", clarity: "SI2" } as const;
  const createPath = (query: Record<string, unknown>) =>
    `/v1/diamonds/similar?${new URLSearchParams(Object.entries(query).map(([key, value]) => [key, String(value)]))}`;

  beforeAll(async () => {
    await publishDataset(2);
    await publishModel({ name: "older", version: 1, dataset: 1, seed: 5 });
    await publishModel({ name: "newer", version: 1, ...MODEL });
    await pointAlias("champion", { name: "newer", version: 1 });
  });

  it("returns five training stones of the champion by default", async () => {
    const { status, body, id } = await get<SimilarBody>(createPath(stoneQuery));
    expect(status).toBe(200);
    expect(body.count).toBe(5);
    expect(body.model).toEqual({ name: "newer", version: 1 });
    expect(body.diamonds.map(pickStone)).toEqual(findByScan(stoneQuery, 5));
    for (const stone of body.diamonds)
      expect(rows.find(({ id }) => id === stone.id)).toMatchObject(pickStone(stone));
    expect(await readLogRecord(id)).toMatchObject({ model: "newer", modelVersion: 1, status: 200 });
  });

  it("rounds the difference in weight, so that it has no binary rounding error", async () => {
    const { body } = await get<SimilarBody>(createPath({ ...stoneQuery, carat: 1.3, n: 100 }));
    for (const { carat, weightDifference } of body.diamonds) {
      expect(weightDifference).toBe(Number(Math.abs(carat - 1.3).toFixed(6)));
    }
  });

  it("returns training stones of the requested model", async () => {
    const { body } = await get<SimilarBody>(createPath({ ...stoneQuery, n: 50, model: "older@1" }));
    expect(body.model).toEqual({ name: "older", version: 1 });
    expect(body.diamonds.map(pickStone)).toEqual(findByScan(stoneQuery, 50, { dataset: 1, seed: 5 }));
  });

  it("ignores the measurements of a stone", async () => {
    const { status, body } = await get<SimilarBody>(
      createPath({ ...stoneQuery, depth: 62, table: 1e2, x: 3, y: 1, z: 2, n: "1e0" }),
    );
    expect(status).toBe(200);
    expect(body.count).toBe(1);
  });

  it("reads grades in any spelling, ignores unknown parameters, and takes its own stones back", async () => {
    const exact = await get<SimilarBody>(createPath({ ...stoneQuery, n: 3 }));
    const spelled = {
      ...stoneQuery,
      cut: "IDEAL",
      color: " h",
      clarity: "si-2",
      n: 3,
      _: 123,
      utm_source: "x",
    };
    expect((await get<SimilarBody>(createPath(spelled))).body).toEqual(exact.body);
    const stone = exact.body.diamonds[0] ?? {};
    expect((await get(createPath({ ...stone, n: 3 }))).status).toBe(200);
  });

  it("rejects a parameter that is given twice", async () => {
    const { status, body } = await get<ProblemDetails>(`${createPath({ ...stoneQuery, n: 3 })}&n=4`);
    expect(status).toBe(422);
    expect(body.errors).toEqual([{ path: "n", message: "n was given twice: send it once" }]);
  });

  it("returns an empty list if no stone matches", async () => {
    await env.DB.prepare("DELETE FROM diamonds WHERE cut = 'Fair' AND color = 'J' AND clarity = 'IF'").run();
    const { status, body } = await get<SimilarBody>(
      createPath({ carat: 1, cut: "Fair", color: "J", clarity: "IF" }),
    );
    expect({ status, ...body }).toMatchObject({ status: 200, count: 0, diamonds: [] });
  });

  it.each(["0", "-3", "101", "abc", "5.5", "", "1e9", "NaN", "0x5"])("rejects n=%s", async (n) => {
    const { status, body, id } = await get<ProblemDetails>(createPath({ ...stoneQuery, n }));
    expect(status).toBe(422);
    expect(body.errors).toEqual([
      { path: "n", message: expect.stringMatching(/^n must be a whole number from 1 to 100; it is /) },
    ]);
    expect(await readLogRecord(id)).toMatchObject({ status: 422, query: expect.stringContaining("n=") });
  });

  it.each([
    [
      { ...stoneQuery, cut: "Ruby" },
      "cut",
      'cut must be one of Fair, Good, Very Good, Premium, Ideal; it is the text "Ruby"',
    ],
    [
      { ...stoneQuery, carat: -1 },
      "carat",
      "carat must be a number above 0 and at most 100 carats; it is -1",
    ],
    [{ cut: "Ideal", color: "H", clarity: "SI2" }, "carat", "carat is required"],
    [{ ...stoneQuery, depth: "deep" }, "depth", expect.stringContaining('it is the text "deep"')],
    [{ ...stoneQuery, modle: "older" }, "modle", "modle is not a known parameter: did you mean model?"],
    [{ ...stoneQuery, colour: "H" }, "colour", "colour is not a known parameter: did you mean color?"],
  ])("rejects the query %o", async (query, field, message) => {
    const { status, body } = await get<ProblemDetails>(createPath(query));
    expect(status).toBe(422);
    expect(body.errors).toEqual([{ path: field, message }]);
  });

  it("answers 404 for an unknown model", async () => {
    const { status, body } = await get<ProblemDetails>(createPath({ ...stoneQuery, model: "newest" }));
    expect(status).toBe(404);
    expect(body.detail).toContain("newest");
  });
});
