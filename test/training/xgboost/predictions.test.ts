import { readdirSync, readFileSync } from "node:fs";
import { basename, extname, join } from "node:path";
import { describe, expect, test } from "vitest";
import { compare, isLog, readPredictions } from "./comparison.ts";

const FIXTURES = "test/fixtures/xgboost-import";

// The expected prices are XGBoost's own; make.py beside the fixtures says how they were made.
describe.each(readdirSync(FIXTURES).filter((name) => /^\d/.test(name)))("XGBoost %s", (version) => {
  const folder = join(FIXTURES, version);
  const predictions = readPredictions(folder);

  test.each(readdirSync(folder).filter((name) => /\.(json|ubj)$/.test(name)))("%s", async (name) => {
    const variant = basename(name, extname(name));
    const { rows, largest } = await compare(readFileSync(join(folder, name)), variant, version, predictions);
    expect(rows).toBe(200);
    // The sums are the same bits; of a logarithm, the exponential differs in its last.
    expect(largest).toBeLessThanOrEqual(isLog(variant) ? 2e-7 : 0);
  });
});
