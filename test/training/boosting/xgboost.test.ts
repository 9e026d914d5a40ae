import { readFileSync } from "node:fs";
import { parse } from "csv-parse/sync";
import { describe, expect, test } from "vitest";
import {
  type BoostingParameters,
  fitEnsemble,
  type Matrix,
  predictEnsemble,
  XGBOOST_DEFAULTS,
} from "../../../training/boosting/index.ts";

/**
 * This folder has the oracle: predictions of real XGBoost (1.7.4, Debian's python3-xgboost). The script
 * make.py in the folder wrote them.
 */
const FIXTURES = new URL("../../fixtures/xgboost/", import.meta.url);

interface Case {
  name: string;
  table: "complete" | "missing";
  parameters: Partial<BoostingParameters>;
  predictions: number[];
}

const { cases } = JSON.parse(readFileSync(new URL("cases.json", FIXTURES), "utf8")) as { cases: Case[] };

describe("predictions are equal to those of XGBoost's hist method", () => {
  test.each(cases)("$name", async ({ table, parameters, predictions }) => {
    const { x, y } = readTable(table);
    const ensemble = await fitEnsemble(x, y, { ...XGBOOST_DEFAULTS, ...parameters });
    const predicted = predictEnsemble(ensemble, x);
    let largestDifference = 0;
    for (let row = 0; row < x.rows; row++) {
      largestDifference = Math.max(
        largestDifference,
        Math.abs(predicted[row]! - predictions[row]!) / Math.abs(predictions[row]!),
      );
    }
    expect(predicted).toHaveLength(predictions.length);
    // The limit allows for float32 sums of 100 leaves. A single different split would change a prediction by
    // about 1 %.
    expect(largestDifference).toBeLessThan(1e-5);
  });
});

function readTable(name: string): { x: Matrix; y: Float32Array } {
  const rows = parse(readFileSync(new URL(`${name}.csv`, FIXTURES)), { from_line: 2 }) as string[][];
  const columns = Array.from({ length: rows[0]!.length }, (_, column) =>
    Float32Array.from(rows, (row) => (row[column] === "" ? Number.NaN : Number(row[column]))),
  );
  const y = columns.pop()!;
  return { x: { rows: rows.length, columns }, y };
}
