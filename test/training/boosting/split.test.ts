import { describe, expect, test } from "vitest";
import {
  type BoostingParameters,
  fitEnsemble,
  type Matrix,
  XGBOOST_DEFAULTS,
} from "../../../training/boosting/index.ts";
import { generator, randomTable } from "./tables.ts";

interface Found {
  gain: number;
  left: number;
}

/**
 * The oracle: every threshold of every feature, missing values on either side, in plain float64.
 * Gain of a split: https://xgboost.readthedocs.io/en/stable/tutorials/model.html
 */
function exhaustive(x: Matrix, gradients: number[], weights: number[], rules: BoostingParameters): Found {
  const { lambda, alpha, minChildWeight } = rules;
  const score = (g: number, h: number) => Math.max(Math.abs(g) - alpha, 0) ** 2 / (h + lambda);
  const total = gradients.reduce((a, b) => a + b, 0);
  const totalWeight = weights.reduce((a, b) => a + b, 0);
  let best: Found = { gain: 0, left: 0 };
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
        if (gain > best.gain) best = { gain, left: h };
      }
    }
  }
  return best;
}

describe("the root's split is the best of all", () => {
  const seeds = Array.from({ length: 25 }, (_, i) => i + 1);
  test.each(seeds)("random table %i", async (seed) => {
    const random = generator(seed + 1000);
    const rows = 12 + Math.floor(random() * 60);
    const { x, y } = randomTable(rows, 3, { seed, levels: 12, missing: seed % 3 === 0 ? 0.2 : 0 });
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
    const counts = weights ? [...weights] : Array.from(y, () => 1);
    const gradients = Array.from(y, (value, row) => (10 - value) * counts[row]!);
    const expected = exhaustive(x, gradients, counts, parameters);

    const { trees } = await fitEnsemble(x, y, parameters, weights ? { weights } : {});
    const [tree] = trees;
    expect(expected.gain).toBeGreaterThan(0);
    expect(tree!.gain[0]! / expected.gain).toBeCloseTo(1, 4);
    // Mirror images gain the same: the left side may be the other one.
    const sides = [tree!.cover[1]!, tree!.cover[2]!];
    expect(Math.min(...sides.map((cover) => Math.abs(cover - expected.left)))).toBeLessThan(1e-3);
  });
});
