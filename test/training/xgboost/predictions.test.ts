import { readdirSync, readFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { comparePredictions, isLogModel, readPredictions } from "./compare-predictions.ts";

const FIXTURES = "test/fixtures/xgboost-import";

// The expected prices are XGBoost's own. The script make.py in the folder of the fixtures wrote them.
describe.each(readdirSync(FIXTURES).filter((name) => /^\d/.test(name)))("XGBoost %s", (version) => {
  const folder = join(FIXTURES, version);
  const predictions = readPredictions(folder);

  test.each(readdirSync(folder).filter((name) => /\.(json|ubj)$/.test(name)))(
    "the prices of %s are XGBoost's own",
    async (name) => {
      const variant = basename(name, extname(name));
      const { rows, maxDifference } = await comparePredictions(
        readFileSync(join(folder, name)),
        variant,
        version,
        predictions,
      );
      expect(rows).toBe(200);
      // The sums are equal to the bit. The exponential of a log model may differ in the last bit.
      expect(maxDifference).toBeLessThanOrEqual(isLogModel(variant) ? 2e-7 : 0);
    },
  );
});
