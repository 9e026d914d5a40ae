/** What an answer has beside the price: range, asking price, reasons, comparable stones, warnings. */
import { createExecutionContext, waitOnExecutionContext } from "cloudflare:test";
import { env } from "cloudflare:workers";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { GRADES, MEASUREMENTS, NUMBER_COLUMNS, type Stone } from "../../../src/domain/diamond.ts";
import type { ModelReference } from "../../../src/domain/models/model-reference.ts";
import { type Background, FEATURE_GROUPS } from "../../../src/domain/prediction/explanation.ts";
import type { Plausibility } from "../../../src/domain/prediction/plausibility.ts";
import type { Prediction } from "../../../src/domain/prediction/prediction.ts";
import worker from "../../../src/worker.ts";
import { calibration } from "../../support/calibration.ts";
import { averageMarginalEffects } from "../../support/shapley.ts";
import { get, ORIGIN, type ProblemDetails, post, readLogRecord, STONE } from "../support/call.ts";
import { createFaultyDatabase } from "../support/faults.ts";
import { pointAlias, publishModel, warmUpRuntime } from "../support/registry.ts";

type Answer = Prediction & { id: string; model: ModelReference };
type BatchAnswer = { id: string; model: ModelReference; predictions: Prediction[] };

const BACKGROUND: Background = {
  carat: [0.3, 0.9, 2],
  depth: [60, 61, 62],
  table: [55, 56, 57],
  x: [4, 5, 8],
  y: [4.1, 5.1, 8.1],
  z: [2.5, 3.5, 5],
  cut: ["Fair", "Good", "Ideal"],
  color: ["D", "E", "J"],
  clarity: ["IF", "VS1", "SI1"],
};
const wide = { usual: [0.01, 100], limits: [0.01, 100] } satisfies Plausibility["columns"][string];
/** Stones of 1 carat are usually 6 to 6.2 mm long. */
const PLAUSIBILITY: Plausibility = {
  columns: Object.fromEntries(NUMBER_COLUMNS.map((name) => [name, wide])),
  relations: {
    "x by carat": Object.fromEntries(GRADES.cut.map((cut) => [cut, { usual: [6, 6.2], limits: [5, 7] }])),
  },
  rareGrades: { cut: { Fair: 0 }, clarity: { IF: 3 } },
};
const GRADES_ONLY = { carat: STONE.carat, cut: STONE.cut, color: STONE.color, clarity: STONE.clarity };

/** The price of the test model `steep`, see test/support/worker-models.ts. */
function computeSteepPrice(stone: Stone): number {
  const code = (column: keyof typeof GRADES) => (GRADES[column] as readonly string[]).indexOf(stone[column]);
  const missing = MEASUREMENTS.filter((name) => stone[name] === undefined).length;
  return 1000 * stone.carat + 100 * code("cut") + 10 * code("color") + code("clarity") + 0.25 * missing;
}

beforeAll(async () => {
  const facts = { calibration, plausibility: PLAUSIBILITY, background: BACKGROUND };
  await publishModel({ name: "steep", version: 1, file: "steep", facts });
  await publishModel({ name: "old", version: 1, file: "shallow" });
  await publishModel({ name: "cliff", version: 1, file: "nanPrice", facts });
  await warmUpRuntime();
  await pointAlias("champion", { name: "steep", version: 1 });
  const insert = env.DB.prepare(
    `INSERT INTO diamonds (id, carat, cut, color, clarity, depth, "table", x, y, z, price, split_key, since)
     VALUES (?, ?, 'Ideal', 'H', 'SI2', 62, 55, 6.6, 6.6, 4.1, ?, 7, 1)`,
  );
  await env.DB.batch(
    [1, 1.05, 1.1, 1.2, 1.5].map((carat, i) => insert.bind(`stone${i}`, carat, 1000 + 400 * i)),
  );
});

const predict = async (query: string, stone: object = STONE, bindings?: Env) =>
  (await post<Answer>(`/v1/predictions?${query}`, stone, bindings)).body;
const predictBatch = (query: string, count: number) =>
  post<BatchAnswer & ProblemDetails>(`/v1/predictions/batch?${query}`, {
    diamonds: Array(count).fill(STONE),
  });

describe("range and asking price", () => {
  it("has a range with a coverage of 0.9, wider for a stone without size", async () => {
    const { price, range } = await predict("");
    // The test calibration has an error of 20 % above 1 carat, and of 40 % without a size.
    expect(range).toEqual({ low: 0.82 * price, high: Math.round((100 * price) / 0.82) / 100, coverage: 0.9 });
    const completed = await predict("", GRADES_ONLY);
    expect(completed.range?.low).toBeCloseTo(0.64 * completed.price, 2);
  });

  it.each([0.5, 0.8, 0.99])("takes a coverage of %d", async (coverage) => {
    const { price, range } = await predict(`coverage=${coverage}`);
    expect(range?.coverage).toBe(coverage);
    expect(range?.low).toBeCloseTo((1 - 0.2 * coverage) * price, 2);
  });

  it("says how many such stones are priced below an asking price", async () => {
    const { price, asking } = await predict("asking=1400");
    expect(asking?.price).toBe(1400);
    expect(asking?.percentile).toBeCloseTo(0.5 - (1 - 1400 / price) / 0.2 / 2, 3);
    expect((await predict("asking=0.01")).asking?.percentile).toBe(0);
    expect((await predict("asking=1000000")).asking?.percentile).toBe(1);
    expect(await predict("")).not.toHaveProperty("asking");
  });

  it.each([
    ["coverage=0.49", "coverage must be a number from 0.5 to 0.99; it is 0.49"],
    ["coverage=90", "coverage must be a number from 0.5 to 0.99; it is 90"],
    ["coverage=high", 'coverage must be a number from 0.5 to 0.99; it is the text "high"'],
    ["asking=0", "asking must be a number of US dollars from 0.01 to 1,000,000,000; it is 0"],
    [
      "asking=$4200",
      'asking must be a number of US dollars from 0.01 to 1,000,000,000; it is the text "$4200"',
    ],
    ["explain=yes", 'explain must be one of true, false; it is the text "yes"'],
    ["comparables=0", "comparables must be a whole number from 1 to 100; it is 0"],
    ["comparables=2.5", "comparables must be a whole number from 1 to 100; it is 2.5"],
    ["explian=true", "explian is not a known parameter: did you mean explain?"],
  ])("refuses %s", async (query, message) => {
    for (const path of ["/v1/predictions", "/v1/predictions/batch"]) {
      const body = path.endsWith("batch") ? { diamonds: [STONE] } : STONE;
      const answer = await post<ProblemDetails>(`${path}?${query}`, body);
      expect(answer.status).toBe(422);
      expect(answer.body.detail).toBe(message);
    }
  });
});

describe("explanation", () => {
  it("has the Shapley values of the groups, by brute force over all orders", async () => {
    const grade = (column: keyof typeof GRADES) => fc.constantFrom(...GRADES[column]);
    const size = fc.option(fc.double({ min: 1, max: 20, noNaN: true }), { nil: undefined });
    const stone = fc.record({
      carat: fc.double({ min: 0.2, max: 5, noNaN: true }),
      cut: grade("cut"),
      color: grade("color"),
      clarity: grade("clarity"),
      depth: size,
      x: size,
      z: size,
    }) as fc.Arbitrary<Stone>;
    await fc.assert(
      fc.asyncProperty(stone, async (value) => {
        const { price, explanation } = await predict("explain=true", value);
        const groups = Object.entries(FEATURE_GROUPS);
        const background = BACKGROUND.carat.map(
          (_, i) =>
            Object.fromEntries(
              Object.entries(BACKGROUND).map(([k, list]) => [k, list[i]]),
            ) as unknown as Stone,
        );
        const values = Array.from({ length: 32 }, (_, coalition) => {
          const names = groups.flatMap(([, columns], i) => (coalition & (1 << i) ? columns : []));
          const taken = Object.fromEntries(names.map((name) => [name, value[name]]));
          const logs = background.map((other) => Math.log(computeSteepPrice({ ...other, ...taken })));
          return logs.reduce((sum, log) => sum + log, 0) / logs.length;
        });
        const effects = averageMarginalEffects(values);
        expect(explanation?.basePrice).toBeCloseTo(Math.exp(values[0]!), 1);
        for (const [i, [group]] of groups.entries()) {
          const reason = explanation?.reasons.find(({ feature }) => feature === group);
          // The price is rounded to cents.
          expect(Math.abs(Math.log(reason!.factor) - effects[i]!)).toBeLessThan(1e-6 + 0.01 / price);
        }
        const { basePrice = 0, reasons = [] } = explanation ?? {};
        const product = reasons.reduce((result, { factor }) => result * factor, basePrice);
        const total = reasons.reduce((sum, { amount }) => sum + amount, basePrice);
        expect(Math.abs(product / price - 1)).toBeLessThan(1e-5);
        expect(total).toBeCloseTo(price, 6);
      }),
      { numRuns: 40 },
    );
  });

  it("is in the log with the answer, and not there if it was not asked for", async () => {
    const answer = await post<Answer>("/v1/predictions?explain=true", STONE);
    expect((await readLogRecord(answer.id))?.responseBody).toBe(answer.text);
    expect(answer.body.explanation?.reasons).toHaveLength(5);
    for (const query of ["", "explain=false"]) expect(await predict(query)).not.toHaveProperty("explanation");
  });

  it("is null with a warning if the model has no price for a stone that it needs", async () => {
    const body = await predict("explain=true&model=cliff");
    expect(body).toMatchObject({ explanation: null, warnings: [{ code: "no-explanation", fields: [] }] });
  });

  it("is null with a warning if the registry does not answer, and the price is the same", async () => {
    const DB = createFaultyDatabase(env.DB, async (sql) => {
      if (sql.includes("background")) throw new Error("the database is gone");
    });
    await publishModel({
      name: "unread",
      version: 1,
      file: "steep",
      seed: 99,
      facts: { background: BACKGROUND },
    });
    const answer = await post<Answer>("/v1/predictions?explain=true&model=unread", STONE, { ...env, DB });
    expect(answer.body).toMatchObject({ explanation: null, warnings: [{ code: "no-explanation" }] });
    expect(answer.body.price).toBe((await predict("")).price);
    expect((await readLogRecord(answer.id))?.problem).toContain("the database is gone");
    expect((await predict("explain=true&model=unread")).explanation?.reasons).toHaveLength(5);
  });
});

describe("comparable stones", () => {
  it("are those of GET /v1/diamonds/similar, with the place of the price among them", async () => {
    const { comparables, comparison, price } = await predict("comparables=3");
    const query = new URLSearchParams({ ...GRADES_ONLY, carat: String(STONE.carat), n: "3" });
    const similar = await get<{ diamonds: object[] }>(`/v1/diamonds/similar?${query}`);
    expect(comparables).toEqual(similar.body.diamonds);
    expect(comparables).toHaveLength(3);
    const prices = comparables!.map((stone) => stone.price);
    expect(comparison).toEqual({
      count: 3,
      cheaper: prices.filter((other) => other < price).length,
      dearer: prices.filter((other) => other > price).length,
      medianPrice: prices.toSorted((a, b) => a - b)[1],
    });
  });

  it("are an empty list for a stone without any", async () => {
    const body = await predict("comparables=3", { ...STONE, color: "D" });
    expect(body).toMatchObject({ comparables: [], comparison: { count: 0, medianPrice: null } });
  });

  it("are left out with a warning if the registry does not answer", async () => {
    const DB = createFaultyDatabase(env.DB, async (sql) => {
      if (sql.includes("FROM diamonds")) throw new Error("the database is gone");
    });
    // Another weight than in the other tests, because the isolate keeps what it has read.
    const body = await predict("comparables=3", { ...STONE, carat: STONE.carat + 0.001 }, { ...env, DB });
    expect(body).toMatchObject({ warnings: [{ code: "no-comparables", fields: [] }] });
    expect(body).not.toHaveProperty("comparables");
    expect(body).not.toHaveProperty("comparison");
  });
});

describe("a registry that never answers", () => {
  it("holds up a price for two seconds at most", async () => {
    const facts = { background: BACKGROUND };
    await publishModel({ name: "waiting", version: 1, file: "steep", seed: 98, facts });
    await predict("model=waiting");
    const DB = createFaultyDatabase(env.DB, (sql) =>
      /background|FROM diamonds/.test(sql) ? new Promise(() => {}) : Promise.resolve(),
    );
    const answer = await post<Answer>("/v1/predictions?explain=true&comparables=2&model=waiting", STONE, {
      ...env,
      DB,
    });
    expect(answer.body).toMatchObject({
      price: 1521,
      explanation: null,
    });
    expect(answer.body.warnings.map(({ code }) => code).sort()).toEqual(["no-comparables", "no-explanation"]);
    expect((await readLogRecord(answer.id))?.problem).toMatch(/no answer within (1\d{3}|2000) ms/);
  });
});

describe("warnings", () => {
  it("say what does not fit, by how much, and what would", async () => {
    const { warnings } = await predict("", { ...STONE, carat: 1, x: 4.5 });
    expect(warnings).toEqual([
      {
        code: "weight-against-size",
        message: "x 4.5 mm is 25 % less than stones of 1 carat have (6.0 to 6.2): check the measurements",
        fields: ["carat", "x"],
      },
    ]);
  });
});

describe("a grade with no or hardly any training stones", () => {
  const unseen = [
    {
      code: "unseen-grade",
      message: "the model was trained on 0 stones with cut Fair: the price is an extrapolation",
      fields: ["cut"],
    },
  ];
  const fair = { ...GRADES_ONLY, cut: "Fair" };

  it("has a warning, alone, in a batch and with reasons", async () => {
    for (const query of ["", "explain=true"]) {
      expect((await predict(query, fair)).warnings).toEqual(unseen);
      const { body } = await post<BatchAnswer>(`/v1/predictions/batch?${query}`, {
        diamonds: [STONE, fair, { ...STONE, clarity: "IF" }],
      });
      expect(body.predictions.map(({ warnings }) => warnings.map(({ fields }) => fields))).toEqual([
        [],
        [["cut"]],
        [["clarity"]],
      ]);
    }
  });

  it("has none from a version that was published before it was known", async () => {
    expect((await predict("model=old", fair)).warnings).toEqual([]);
  });
});

describe("a version without calibration, limits and background", () => {
  it("answers null for what it does not know", async () => {
    const body = await predict("model=old&explain=true&asking=900");
    expect(body).toMatchObject({
      range: null,
      explanation: null,
      asking: { price: 900, percentile: null },
      warnings: [],
    });
  });
});

describe("a batch", () => {
  it("has the same in each of its predictions as a single one", async () => {
    const query = "explain=true&asking=1200&coverage=0.8&comparables=2";
    const stones = [STONE, GRADES_ONLY, { ...STONE, x: 4 }];
    const batch = await post<BatchAnswer>(`/v1/predictions/batch?${query}`, { diamonds: stones });
    for (const [i, stone] of stones.entries()) {
      const { id: _, model: __, ...single } = await predict(query, stone);
      expect(batch.body.predictions[i]).toEqual(single);
    }
    expect((await readLogRecord(batch.id))?.responseBody).toBe(batch.text);
  });

  it("lets other requests be answered while its stones are explained", async () => {
    const contexts: ExecutionContext[] = [];
    const order: string[] = [];
    const send = async (path: string, body: object) => {
      const context = createExecutionContext();
      contexts.push(context);
      const headers = { "content-type": "application/json" };
      const init = { method: "POST", headers, body: JSON.stringify(body) };
      expect((await worker.fetch(new Request(`${ORIGIN}${path}`, init), env, context)).status).toBe(200);
      order.push(path);
    };
    const path = "/v1/predictions/batch?explain=true";
    // The second request arrives while the first one is computed, and uses the same runtime.
    await Promise.all([
      send(path, { diamonds: Array(50).fill(STONE) }),
      scheduler.wait(0).then(() => send("/v1/predictions", STONE)),
    ]);
    expect(order).toEqual(["/v1/predictions", path]);
    await Promise.all(contexts.map((context) => waitOnExecutionContext(context)));
  });

  it("can be explained up to 50 stones", async () => {
    const { body } = await predictBatch("explain=true&comparables=1", 50);
    expect(body.predictions.every(({ explanation }) => explanation?.reasons.length === 5)).toBe(true);
    expect(body.predictions.every(({ comparables }) => comparables?.length === 1)).toBe(true);
    const refused = await predictBatch("explain=true&comparables=1", 51);
    expect(refused.status).toBe(422);
    expect(refused.body.errors?.map(({ path, message }) => [path, message])).toEqual(
      ["explain", "comparables"].map((path) => [
        path,
        `${path} is possible for at most 50 stones, and diamonds has 51: send fewer stones in a batch, or leave ${path} out`,
      ]),
    );
    expect((await predictBatch("asking=1200&coverage=0.8", 1000)).body.predictions).toHaveLength(1000);
  });
});
