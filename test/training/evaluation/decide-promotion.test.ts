import { beforeAll, describe, expect, test } from "vitest";
import type { PricedStone } from "../../../src/domain/diamond.ts";
import { isTestStone } from "../../../src/domain/split.ts";
import { assignIds, type DatasetStone } from "../../../training/data/dataset-stone.ts";
import { type Split, splitStones } from "../../../training/data/split.ts";
import { decidePromotion, type PromotionStones } from "../../../training/evaluation/decide-promotion.ts";
import { computeMetrics } from "../../../training/evaluation/metrics.ts";
import type { PromotionMode } from "../../../training/evaluation/promotion-policy.ts";
import type { VersionedModel } from "../../../training/models/trained-model.ts";
import { Graph } from "../../../training/onnx/graph.ts";
import { predictPrices } from "../../../training/onnx/predict-prices.ts";
import { addStoneInputs } from "../../../training/onnx/stone-inputs.ts";
import type { PublishedModel } from "../../../training/registry/read-registry.ts";
import { createRandomStones } from "./random-stones.ts";

const SEED = 42;
const stones = assignIds(createRandomStones(3000));

/** The file of a model whose price is a slope times the weight. */
function createFile(slope: number): Uint8Array {
  const graph = new Graph("linear");
  const { carat } = addStoneInputs(graph);
  graph.addOutput(graph.mul(carat, graph.floatConstant(slope)), "price");
  return graph.toBytes();
}

/** The best slope for the training stones. The price of each stone is about 4000 * carat. */
function fitSlope(training: readonly PricedStone[]): number {
  const sum = (value: (stone: PricedStone) => number) => training.reduce((s, stone) => s + value(stone), 0);
  return sum(({ carat, price }) => carat * price) / sum(({ carat }) => carat ** 2);
}

async function createModel(
  slope: number,
  test: readonly DatasetStone[],
  version = 2,
): Promise<VersionedModel> {
  const bytes = createFile(slope);
  const prices = await predictPrices(bytes, test);
  return { name: "line", version, bytes, prices, metrics: computeMetrics(test, prices) } as VersionedModel;
}

/** The champion is 10 % wrong: a candidate that knows the stones beats it. */
const champion = {
  model: { name: "line", version: 1, seed: SEED } as PublishedModel,
  bytes: createFile(4400),
};
let known: Split;
beforeAll(() => {
  known = splitStones(stones, SEED);
});

/** Judges a model that was fitted on some stones. */
async function judge(
  runStones: readonly DatasetStone[],
  {
    mode = "auto",
    seed = SEED,
    file = champion.bytes as Uint8Array | null,
    ...changes
  }: { mode?: PromotionMode; file?: Uint8Array | null } & Partial<PromotionStones> = {},
) {
  const { train, test } = splitStones(runStones, seed);
  const model = await createModel(fitSlope(train), test);
  return decidePromotion(mode, { ...champion, bytes: file }, [model], test, {
    training: train,
    seed,
    champion: known,
    acceptCoverage: false,
    isImport: false,
    ...changes,
  });
}

const changePrices = (factor: (stone: PricedStone) => number) =>
  assignIds(
    stones.map(({ id: _, splitKey: __, ...stone }) => ({ ...stone, price: stone.price * factor(stone) })),
  );

describe("a better model is promoted", () => {
  test.each<[string, () => readonly DatasetStone[]]>([
    ["the same stones", () => stones],
    ["half of the stones", () => stones.filter((_, i) => i % 2 === 0)],
    ["more stones", () => [...stones, ...assignIds(createRandomStones(1000, 9))]],
    ["prices that are 8 % lower", () => changePrices(() => 0.92)],
    ["old and new prices together", () => [...stones, ...changePrices(() => 0.92)]],
  ])("%s", async (_, getStones) => {
    const { verdict, faults, notes } = await judge(getStones());
    expect(verdict).toMatchObject({ promoted: true, champion: { version: 2 } });
    expect(faults).toEqual([]);
    expect(notes).toEqual([]);
  });

  test("another seed: only stones that neither model was trained on are compared", async () => {
    const { verdict, priceComparisons } = await judge(stones, { seed: 7 });
    expect(verdict.promoted).toBe(true);
    const count = known.test.filter(({ splitKey }) => isTestStone(splitKey, 7)).length;
    expect(priceComparisons?.[0]?.[0]?.rows).toBe(count);
    expect(count).toBeLessThan(known.test.length);
  });
});

test("the errors of a champion of few kinds of stones are not compared, and a note says so", async () => {
  const light = known.train.filter(({ carat }) => carat < 1);
  const { verdict, notes } = await judge(stones, { champion: { train: light, test: known.test } });
  expect(verdict.promoted).toBe(true);
  expect(notes).toEqual([
    expect.stringMatching(
      /^line@1 was trained on hardly any stones of 1-1\.5 carat, .*2\+ carat, so the errors/,
    ),
  ]);
});

describe("a model that is better on its own file only is not promoted", () => {
  test("the file has few kinds of stones", async () => {
    const { verdict, faults, notes } = await judge(stones.filter(({ carat }) => carat < 1));
    expect(verdict).toMatchObject({ promoted: false, champion: { version: 1 } });
    expect(verdict.reason).toMatch(
      /is lower than .*, but the run has \d+ training stones against 2,\d+ of line@1/,
    );
    expect(verdict.reason).toMatch(/none of 1-1\.5 carat/);
    expect(faults).toHaveLength(1);
    expect(notes?.[0]).toContain("later runs do not start from the stones of this run");
  });

  test("the prices are in thousands", async () => {
    const { verdict, priceComparisons } = await judge(changePrices(() => 0.001));
    expect(verdict.promoted).toBe(false);
    expect(verdict.reason).toContain(
      `on the test stones of line@1 the median ratio of new to old prices is 0.000909 for all ${known.test.length}`,
    );
    expect(priceComparisons?.[0]?.[0]?.medianRatio).toBeCloseTo(0.000909, 6);
  });

  test("the file has none of the champion's stones, but as many", async () => {
    const others = createRandomStones(3000, 5).map((stone) => ({ ...stone, price: stone.price * 2 }));
    const { verdict, priceComparisons } = await judge(assignIds(others));
    expect(verdict.promoted).toBe(false);
    expect(priceComparisons?.[0]?.[0]?.rows).toBe(known.test.length);
    expect(verdict.reason).toMatch(/the median ratio of new to old prices is 1\.8\d\d for all/);
  });

  test("the champion's file is lost, and the run covers less", async () => {
    const narrow = stones.filter(({ carat }) => carat < 1);
    const { verdict } = await judge(narrow, { file: null });
    expect(verdict).toMatchObject({ promoted: false, champion: { version: 1 } });
    expect(verdict.reason).toContain("the file of line@1 cannot be read; line@2: the run has");
    expect((await judge(stones, { file: null })).verdict.promoted).toBe(true);
  });

  test("the champion's stones cannot be read", async () => {
    const { verdict } = await judge(stones, { champion: null });
    expect(verdict.promoted).toBe(false);
    expect(verdict.reason).toContain("the stones of line@1 cannot be read, so its coverage is unknown");
  });
});

describe("what is asked for by name", () => {
  const narrow = () => stones.filter(({ carat }) => carat < 1);

  test("--accept-coverage promotes a model of fewer kinds of stones, but not other prices", async () => {
    const { verdict, faults, notes } = await judge(narrow(), { acceptCoverage: true });
    expect(verdict.promoted).toBe(true);
    expect(faults).toEqual([]);
    expect(notes?.[0]).toMatch(/^--accept-coverage: the run has \d+ training stones/);
    const other = await judge(
      changePrices(() => 0.5),
      { acceptCoverage: true },
    );
    expect(other.verdict.promoted).toBe(false);
  });

  test("--promote force promotes all of them, and says what it ignores", async () => {
    const { verdict, notes } = await judge(narrow(), { mode: "force" });
    expect(verdict.promoted).toBe(true);
    expect(notes).toEqual([expect.stringMatching(/^--promote force, although the run has \d+/)]);
  });

  test("--promote never promotes none, and the faults are noted", async () => {
    const { verdict, notes } = await judge(narrow(), { mode: "never" });
    expect(verdict.promoted).toBe(false);
    expect(notes?.[0]).toMatch(/^the run has \d+ training stones/);
  });
});

test("an imported model says nothing about the prices of the stones, so later runs start from them", async () => {
  const { verdict, faults } = await judge(
    changePrices(() => 0.5),
    { isImport: true },
  );
  expect(verdict.promoted).toBe(false);
  expect(faults).toEqual([]);
});
