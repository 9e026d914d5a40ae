import { describe, expect, test } from "vitest";
import {
  type BoostingParameters,
  fitEnsemble,
  type Matrix,
  XGBOOST_DEFAULTS,
} from "../../../../training/boosting/index.ts";
import { createRandom } from "../../../support/random.ts";
import { createRandomTable } from "../random-table.ts";

interface BestSplit {
  gain: number;
  /** Total weight of the rows of the left child. */
  leftWeight: number;
}

/**
 * The oracle: an exhaustive search over every threshold of every feature, with missing values on either side,
 * in float64. Gain of a split: https://xgboost.readthedocs.io/en/stable/tutorials/model.html
 */
function searchExhaustively(
  x: Matrix,
  gradients: number[],
  weights: number[],
  { lambda, alpha, minChildWeight }: BoostingParameters,
): BestSplit {
  const score = (g: number, h: number) => Math.max(Math.abs(g) - alpha, 0) ** 2 / (h + lambda);
  const total = gradients.reduce((a, b) => a + b, 0);
  const totalWeight = weights.reduce((a, b) => a + b, 0);
  let best: BestSplit = { gain: 0, leftWeight: 0 };
  for (const column of x.columns) {
    const thresholds = [...new Set(column)].filter((value) => !Number.isNaN(value));
    for (const threshold of [...thresholds, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]) {
      for (const missingLeft of [false, true]) {
        let g = 0;
        let h = 0;
        column.forEach((value, row) => {
          if (Number.isNaN(value) ? !missingLeft : !(value < threshold)) return;
          g += gradients[row]!;
          h += weights[row]!;
        });
        if (h < minChildWeight || totalWeight - h < minChildWeight || h === 0 || h === totalWeight) continue;
        const gain = score(g, h) + score(total - g, totalWeight - h) - score(total, totalWeight);
        if (gain > best.gain) best = { gain, leftWeight: h };
      }
    }
  }
  return best;
}

describe("the split of the root is the best of all splits", () => {
  const seeds = Array.from({ length: 25 }, (_, i) => i + 1);
  test.each(seeds)("in random table %i", async (seed) => {
    const random = createRandom(seed + 1000);
    const rows = 12 + Math.floor(random() * 60);
    const { x, y } = createRandomTable(rows, 3, { seed, levels: 12, missing: seed % 3 === 0 ? 0.2 : 0 });
    const parameters: BoostingParameters = {
      ...XGBOOST_DEFAULTS,
      rounds: 1,
      maxDepth: 1,
      baseScore: 10,
      lambda: random() * 2,
      alpha: seed % 4 === 0 ? 20 : 0,
      minChildWeight: 1 + Math.floor(random() * 3),
    };
    const weights = seed % 5 === 0 ? Float32Array.from(y, () => 0.5 + random()) : undefined;
    const hessians = weights ? [...weights] : Array.from(y, () => 1);
    const gradients = Array.from(y, (value, row) => (10 - value) * hessians[row]!);
    const expected = searchExhaustively(x, gradients, hessians, parameters);

    const { trees } = await fitEnsemble(x, y, parameters, weights ? { weights } : {});
    const [tree] = trees;
    expect(expected.gain).toBeGreaterThan(0);
    expect(tree!.gain[0]! / expected.gain).toBeCloseTo(1, 4);
    // A split and its mirror image have the same gain, so the expected side may be the left or the right one.
    const sides = [tree!.cover[1]!, tree!.cover[2]!];
    expect(Math.min(...sides.map((cover) => Math.abs(cover - expected.leftWeight)))).toBeLessThan(1e-3);
  });
});
