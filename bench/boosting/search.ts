/**
 * The search for the boosting model's own settings: 5-fold cross-validation inside the training rows of one split.
 * The split's test rows are never looked at, but for `--final`, which fits the chosen settings on 10 splits.
 *
 *   node bench/search.ts                      every candidate, as a Markdown table
 *   node bench/search.ts --only features      candidates whose name has that in it
 *   node bench/search.ts --final "chosen"     one candidate: test error over 10 random splits
 */
import { parseArgs } from "node:util";
import { weightedMedian } from "../../src/lib/statistics.ts";
import { type Ensemble, fitEnsemble, type Matrix, predictEnsemble } from "../../training/boosting/index.ts";
import { CANDIDATES, type Candidate } from "../candidates.ts";
import { type Diamonds, loadDiamonds, meanAbsoluteError, pick, shuffled } from "./diamonds.ts";
import { FEATURES } from "./features.ts";

const FOLDS = 5;
const { values: options } = parseArgs({
  options: { only: { type: "string" }, final: { type: "string" }, folds: { type: "string", default: "5" } },
});

const stones = loadDiamonds();
const count = stones.price.length;

if (options.final) {
  const candidate = CANDIDATES.find(({ name }) => name === options.final);
  if (!candidate) throw new Error(`no candidate is named ${options.final}`);
  await testOnSplits(candidate);
} else {
  const chosen = CANDIDATES.filter(({ name }) => name.includes(options.only ?? ""));
  console.log("| candidate | CV MAE, dollars | leaves | fit, s |\n|---|---|---|---|");
  for (const candidate of chosen) await crossValidate(candidate);
}

async function crossValidate(candidate: Candidate): Promise<void> {
  const { train } = split(1);
  const errors: number[][] = candidate.at.map(() => []);
  const leaves: number[] = candidate.at.map(() => 0);
  let seconds = 0;
  const folds = Number(options.folds);
  for (let fold = 0; fold < folds; fold++) {
    const held = train.filter((_, i) => i % FOLDS === fold);
    const fitted = train.filter((_, i) => i % FOLDS !== fold);
    const { ensembles, time } = await fitBag(candidate, fitted);
    seconds += time / folds;
    candidate.at.forEach((rounds, i) => {
      const cut = ensembles.map((ensemble) => ({ ...ensemble, trees: ensemble.trees.slice(0, rounds) }));
      errors[i]!.push(errorOf(candidate, cut, fitted, held));
      leaves[i]! += cut.reduce((sum, { trees }) => sum + leavesOf(trees), 0) / folds;
    });
  }
  candidate.at.forEach((rounds, i) => {
    const { mean, sd } = summary(errors[i]!);
    const name = candidate.at.length > 1 ? `${candidate.name}, ${rounds} rounds` : candidate.name;
    const time = ((seconds * rounds) / candidate.parameters.rounds).toFixed(1);
    console.log(`| ${name} | ${mean.toFixed(2)} ± ${sd.toFixed(1)} | ${Math.round(leaves[i]!)} | ${time} |`);
  });
}

async function testOnSplits(candidate: Candidate): Promise<void> {
  const errors: number[] = [];
  for (let seed = 1; seed <= 10; seed++) {
    const { train, test } = split(seed);
    const { ensembles, time } = await fitBag(candidate, train);
    errors.push(errorOf(candidate, ensembles, train, test));
    const leaves = ensembles.reduce((sum, { trees }) => sum + leavesOf(trees), 0);
    console.log(
      `split ${seed}: test MAE ${errors.at(-1)!.toFixed(2)}, ${leaves} leaves, fit ${time.toFixed(1)} s`,
    );
  }
  const { mean, sd } = summary(errors);
  console.log(
    `${candidate.name}: test MAE ${mean.toFixed(2)} ± ${sd.toFixed(2)} over ${errors.length} splits`,
  );
}

function split(seed: number): { train: Int32Array; test: Int32Array } {
  const order = shuffled(count, seed);
  const test = Math.round(count / 5);
  return { test: order.slice(0, test).sort(), train: order.slice(test) };
}

/** Fits the candidate's bag of ensembles on some rows. */
async function fitBag(
  candidate: Candidate,
  rows: Int32Array,
): Promise<{ ensembles: Ensemble[]; time: number }> {
  const x = matrix(stones, candidate, rows);
  const prices = pick(stones.price, rows);
  const start = performance.now();
  const y = prices.map((value, i) => candidate.target.of(value, stones.carat[rows[i]!]!));
  const weights = candidate.weight ? prices.map(candidate.weight) : undefined;
  const ensembles: Ensemble[] = [];
  for (let seed = 1; seed <= (candidate.bag ?? 1); seed++) {
    ensembles.push(await fitEnsemble(x, y, { ...candidate.parameters, seed }, weights ? { weights } : {}));
  }
  return { ensembles, time: (performance.now() - start) / 1000 };
}

/** The error in dollars on some rows of ensembles that were fitted on others. */
function errorOf(
  candidate: Candidate,
  ensembles: readonly Ensemble[],
  fitted: Int32Array,
  rows: Int32Array,
): number {
  const predicted = price(candidate, ensembles, rows);
  const actual = pick(stones.price, rows);
  if (!candidate.correct) return meanAbsoluteError(predicted, actual);
  const own = price(candidate, ensembles, fitted);
  const ratios = pick(stones.price, fitted).map((value, i) => value / own[i]!);
  const factor = weightedMedian(ratios, own);
  return meanAbsoluteError(
    predicted.map((value) => value * factor),
    actual,
  );
}

/** Dollars: the target's inverse of the bag's mean. */
function price(candidate: Candidate, ensembles: readonly Ensemble[], rows: Int32Array): Float32Array {
  const x = matrix(stones, candidate, rows);
  const sums = new Float64Array(rows.length);
  for (const ensemble of ensembles) {
    predictEnsemble(ensemble, x).forEach((value, row) => {
      sums[row]! += value;
    });
  }
  return Float32Array.from(sums, (sum, row) =>
    candidate.target.inverse(sum / ensembles.length, stones.carat[rows[row]!]!),
  );
}

function matrix(from: Diamonds, { features }: Candidate, rows: Int32Array): Matrix {
  return {
    rows: rows.length,
    columns: features.map((name) => {
      const compute = FEATURES[name];
      if (!compute) throw new Error(`no feature is named ${name}`);
      return Float32Array.from(rows, (row) => compute(from, row));
    }),
  };
}

function leavesOf(trees: Ensemble["trees"]): number {
  return trees.reduce((sum, { left }) => sum + (left.length + 1) / 2, 0);
}

function summary(values: readonly number[]): { mean: number; sd: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  return { mean, sd: Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length) };
}
