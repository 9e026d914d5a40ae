import { describe, expect, it } from "vitest";
import { GRADE_COLUMNS, NUMBER_COLUMNS } from "../../../src/domain/diamond.ts";
import { describeReview } from "../../../training/appraisals/describe-review.ts";
import { type AppraisalReview, reviewAppraisals } from "../../../training/appraisals/review.ts";
import { formatAlerts } from "../../../training/cli/summary.ts";
import { Graph } from "../../../training/onnx/graph.ts";
import type { Champion } from "../../../training/registry/champion.ts";
import type { Appraisal } from "../../../training/registry/fresh-stones.ts";
import { createAppraisals } from "./new-appraisals.ts";

/** A champion whose prices are all 1,000 dollars. */
function createChampion(): Champion {
  const graph = new Graph("constant");
  const [carat] = NUMBER_COLUMNS.map((column) => graph.addInput(column, "float"));
  for (const column of GRADE_COLUMNS) graph.addInput(column, "string");
  const zero = graph.mul(carat!, graph.floatConstant(0));
  graph.addOutput(graph.add(zero, graph.floatConstant(1_000)), "price");
  return { bytes: graph.toBytes() } as Champion;
}

const champion = createChampion();
const base = createAppraisals({ count: 2_000, key: "file" }).map(({ stone }) => stone);
const withdrawn = new Set<string>();

const review = (
  appraisals: readonly Appraisal[],
  { acceptsAll = false, stones = base, from = champion as Champion | null } = {},
): Promise<AppraisalReview> => reviewAppraisals(from, stones, { appraisals, withdrawn }, acceptsAll);

const toIds = (appraisals: readonly Appraisal[]) => appraisals.map(({ stone }) => stone.id);

describe("reviewAppraisals", () => {
  it("takes right stones of one key, and holds the wrong ones of another", async () => {
    const right = createAppraisals({ count: 150, ratio: 1.08, key: "right" });
    const wrong = createAppraisals({ count: 60, ratio: 1.45, key: "wrong" });
    const { taken, exceeding, quarantined } = await review([...right, ...wrong]);
    expect(taken.map(({ id }) => id)).toEqual(toIds(right));
    expect(exceeding.map(({ appraisal }) => appraisal.rowId)).toEqual(toIds(wrong));
    expect(quarantined).toEqual([]);
  });

  it("does not judge or report stones that the dataset has, or that are withdrawn", async () => {
    const known = createAppraisals({ count: 40, ratio: 1.45 }).map((one) => ({
      ...one,
      isQuarantined: true,
    }));
    const gone = createAppraisals({ count: 40, ratio: 1.45 });
    const fresh = { appraisals: [...known, ...gone], withdrawn: new Set(toIds(gone)) };
    const stones = [...base, ...known.map(({ stone }) => stone)];
    const result = await reviewAppraisals(champion, stones, fresh, false);
    expect(result).toEqual({ taken: [], exceeding: [], quarantined: [], acceptsAll: false });
    expect(describeReview(result)).toEqual([]);
  });

  it("counts the stones of a key in the dataset, but not those that an operator accepted", async () => {
    const earlier = createAppraisals({ count: 190 });
    const stones = [...base, ...earlier.map(({ stone }) => stone)];
    const fresh = createAppraisals({ count: 50, day: 2 });
    expect((await review([...earlier, ...fresh], { stones })).taken).toHaveLength(10);
    const accepted = earlier.map((one) => ({ ...one, bound: "quota" as const }));
    expect((await review([...accepted, ...fresh], { stones })).taken).toHaveLength(50);
  });

  it("takes what an operator has accepted, without a check", async () => {
    const accepted = createAppraisals({ count: 500, ratio: 1.45 }).map((one) => ({
      ...one,
      bound: "median" as const,
    }));
    expect((await review(accepted)).taken).toHaveLength(500);
  });

  it("takes everything with --accept-feed, and says so", async () => {
    const quarantined = createAppraisals({ count: 5, ratio: 10 }).map((one) => ({
      ...one,
      isQuarantined: true,
    }));
    const result = await review([...quarantined, ...createAppraisals({ count: 500 })], { acceptsAll: true });
    expect(result.taken).toHaveLength(505);
    expect(result.exceeding).toHaveLength(300);
    expect(describeReview(result)).toEqual([
      expect.stringMatching(/^taken with --accept-feed: 300 stones of dealer: over the quota/),
      expect.stringMatching(
        /^taken with --accept-feed: 5 stones of dealer: quarantined by an earlier version/,
      ),
    ]);
  });

  it("checks no prices without a champion, or if its file cannot be read", async () => {
    for (const from of [null, { ...champion, bytes: null }]) {
      const { taken, exceeding } = await review(createAppraisals({ count: 250, ratio: 10 }), { from });
      expect([taken.length, exceeding.length]).toEqual([200, 50]);
    }
  });
});

describe("describeReview", () => {
  it("lists what is held by key and reason, with counts, the median ratio and what to do", async () => {
    const earlier = createAppraisals({ count: 7, ratio: 10, key: "new shop" }).map((one) => ({
      ...one,
      isQuarantined: true,
      bound: "deviation" as const,
    }));
    const result = await review([...earlier, ...createAppraisals({ count: 1_500, ratio: 1.45 })]);
    const notes = describeReview(result);
    expect(notes).toEqual([
      "held: 1,500 stones of dealer (quarantined, 1,500 of them new): the median of price / champion's price is outside of 0.8 to 1.25; median ratio 1.45",
      "held: 7 stones of new shop (quarantined, 0 of them new): more than 20 % of the prices are more than 50 % away from the champion's; median ratio 10",
      expect.stringMatching(/^held stones are not lost: --accept-feed takes all 1,507; docs\/operate.md/),
    ]);
    expect(formatAlerts({ alerts: notes })[1]).toBe(
      "::warning title=Facet training::held: 7 stones of new shop (quarantined, 0 of them new): more than 20 %25 of the prices are more than 50 %25 away from the champion's; median ratio 10",
    );
  });

  it("sums up the keys beyond 20", async () => {
    const appraisals = Array.from({ length: 25 }, (_, i) =>
      createAppraisals({ count: 30, ratio: 1.45, key: `key ${i}` }),
    ).flat();
    const notes = describeReview(await review(appraisals));
    expect(notes).toHaveLength(22);
    expect(notes[20]).toMatch(/^held: 150 stones of further keys/);
  });
});
