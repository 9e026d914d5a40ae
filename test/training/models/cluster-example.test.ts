/**
 * The constants and formulas of examples/cluster/train.py are those of gradient-boosting. That the import reads its
 * models right shows the variant `derived` of ../xgboost/meaning.test.ts: XGBoost's own prices, from the features of
 * train.py.
 */
import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { EXAMPLE_STONE, GRADES, NUMBER_COLUMNS } from "../../../src/domain/diamond.ts";
import type { BoostingParameters } from "../../../training/boosting/index.ts";
import { computeFeatures } from "../../../training/builders/fit.ts";
import { fitCompletion } from "../../../training/models/completion.ts";
import { DERIVED_FEATURES, gradientBoosting } from "../../../training/models/gradient-boosting.ts";

const script = readFileSync("examples/cluster/train.py", "utf8");

/** Reads a constant of the script: a number, a text, a list or a dictionary, as Python writes them. */
function readConstant(name: string): unknown {
  const text = new RegExp(`^${name} = ([\\[{]\\n[\\s\\S]*?^[\\]}]|.*$)`, "m").exec(script)?.[1];
  if (text === undefined) throw new Error(`train.py has no ${name}`);
  return JSON.parse(text.replaceAll(/,(\s*[\]}])/g, "$1"));
}

describe("examples/cluster/train.py", () => {
  test("has the features, the grades and the target of gradient-boosting", () => {
    expect(readConstant("FEATURES")).toEqual(gradientBoosting.featureNames);
    expect(readConstant("NUMBERS")).toEqual(NUMBER_COLUMNS);
    expect(readConstant("GRADES")).toEqual(GRADES);
    expect(readConstant("TARGET")).toBe(gradientBoosting.hyperparameters.target);
  });

  test("computes its derived features with the same formulas", async () => {
    const stone = { ...EXAMPLE_STONE, price: 4677 };
    const { columns } = await computeFeatures(gradientBoosting, fitCompletion([stone]), [stone]);
    const formulas = new Map(
      [...script.matchAll(/^ {8}"([^"]+)": ([^\n]+),$/gm)].map(([, name = "", formula]) => [name, formula]),
    );
    const { carat, depth, x, y, z } = stone;
    const ranks = {
      color: GRADES.color.indexOf(stone.color),
      clarity: GRADES.clarity.indexOf(stone.clarity),
    };
    const names = { np: { float32: Math.fround }, carat, depth, x, y, z, volume: x * y * z, ...ranks };
    expect(script).toContain("    volume = x * y * z\n");
    for (const name of Object.keys(DERIVED_FEATURES)) {
      // These formulas of Python mean the same in JavaScript.
      const value: number = runInNewContext(formulas.get(name) ?? "undefined", names);
      const ours = columns[gradientBoosting.featureNames.indexOf(name)]![0]!;
      expect(Math.abs(value - ours), name).toBeLessThan(1e-5);
    }
    expect(script).toContain('TARGET: np.log(numbers["price"] / carat),\n');
  });

  test("has its settings, under XGBoost's names", () => {
    const ours = gradientBoosting.hyperparameters as unknown as BoostingParameters;
    expect(readConstant("TREES")).toBe(ours.rounds);
    expect(readConstant("SETTINGS")).toEqual({
      tree_method: "hist",
      max_depth: ours.maxDepth,
      eta: ours.eta,
      lambda: ours.lambda,
      alpha: ours.alpha,
      gamma: ours.gamma,
      min_child_weight: ours.minChildWeight,
      max_bin: ours.maxBin,
      subsample: ours.subsample,
      colsample_bytree: ours.colsampleByTree,
    });
    expect(readConstant("HUBER_DELTA")).toBe(ours.huber?.delta);
    expect(script).toContain(`HUBER_AFTER = ${ours.huber?.after} / ${ours.rounds}\n`);
  });

  test("has exact versions of its packages", () => {
    const lines = readFileSync("examples/cluster/requirements.txt", "utf8").trim().split("\n");
    const packages = lines.filter((line) => !line.startsWith("#"));
    expect(packages.map((line) => line.replace(/[=[].*/, ""))).toEqual(
      expect.arrayContaining(["dask", "distributed", "xgboost-cpu"]),
    );
    for (const line of packages) expect(line).toMatch(/^[a-z][a-z-]*(\[[a-z]+\])?==\d+(\.\d+)+$/);
  });
});
