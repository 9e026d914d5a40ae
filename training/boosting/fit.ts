import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import type { BinTable } from "./binning/bins.ts";
import type { Ensemble, Tree } from "./ensemble.ts";
import { TreeGrower } from "./growing/tree-grower.ts";
import { checkMatrix, type Matrix } from "./matrix.ts";
import { type BoostingParameters, checkParameters } from "./parameters.ts";
import { startThreadPool } from "./threads/thread-pool.ts";
import { createWorkspace } from "./workspace.ts";

export interface FitOptions {
  /** Number of threads. Default: 1, or up to 4 for a large table. The ensemble does not depend on it. */
  readonly threads?: number;
  /** Called after each round. */
  readonly onRound?: (done: number, total: number) => void;
  /** The weight of each row's squared error, above 0. Default: 1. */
  readonly weights?: Float32Array;
}

export interface FitResult extends Ensemble {
  /** The ensemble's prediction of each row that it was fitted on. */
  readonly predictions: Float32Array;
}

/** With fewer rows, starting and synchronizing threads takes longer than they save. */
const MIN_ROWS_FOR_THREADS = 200_000;
const MAX_THREADS = 4;

/** A fit blocks the event loop for about this long at a time. */
const EVENT_LOOP_INTERVAL_MS = 50;

/**
 * Boosts regression trees for squared error, as XGBoost's `hist` tree method does: the trees are the same
 * except for ties. The result depends only on the data and the parameters, to the bit, and not on the number
 * of threads.
 * @param y the target of each row, finite
 * @throws RangeError if a parameter, a feature, a target or a weight is out of range
 */
export async function fitEnsemble(
  x: Matrix,
  y: Float32Array,
  parameters: BoostingParameters,
  options: FitOptions = {},
): Promise<FitResult> {
  checkParameters(parameters);
  checkMatrix(x);
  checkTargets(y, x.rows, options.weights);
  const threadCount = options.threads ?? chooseThreadCount(x.rows);
  const workspace = createWorkspace(x, y, options.weights ?? null, parameters, threadCount);
  const baseScore = computeBaseScore(y, parameters.baseScore, options.weights);
  workspace.predictions.fill(baseScore);

  const threadPool = await startThreadPool(workspace);
  try {
    threadPool.run("binFeatures");
    checkFinite(workspace.binTable);
    threadPool.run("transposeBins");
    const grower = new TreeGrower(workspace, threadPool, parameters);
    const trees: Tree[] = [];
    grower.prepareFirstRound();
    let yieldedAt = performance.now();
    for (let round = 0; round < parameters.rounds; round++) {
      trees.push(grower.growTree(round));
      options.onRound?.(round + 1, parameters.rounds);
      if (performance.now() - yieldedAt > EVENT_LOOP_INTERVAL_MS) {
        await setImmediate();
        yieldedAt = performance.now();
      }
    }
    return { baseScore, featureCount: x.columns.length, trees, predictions: workspace.predictions };
  } finally {
    await threadPool.stop();
  }
}

function chooseThreadCount(rows: number): number {
  return rows < MIN_ROWS_FOR_THREADS ? 1 : Math.min(MAX_THREADS, availableParallelism());
}

function checkTargets(y: Float32Array, rows: number, weights: Float32Array | undefined): void {
  if (rows === 0) throw new RangeError("the matrix must have at least one row");
  if (y.length !== rows)
    throw new RangeError(`there must be one target for each row, not ${y.length} targets for ${rows} rows`);
  if (!y.every(Number.isFinite)) throw new RangeError("each target must be a finite number");
  if (weights === undefined) return;
  if (weights.length !== rows)
    throw new RangeError(
      `there must be one weight for each row, not ${weights.length} weights for ${rows} rows`,
    );
  if (!weights.every((weight) => weight > 0 && Number.isFinite(weight))) {
    throw new RangeError("each weight must be a finite number above 0");
  }
}

function checkFinite({ binCounts }: BinTable): void {
  const infinite = binCounts.indexOf(-1);
  if (infinite >= 0) {
    throw new RangeError(`feature ${infinite} has an infinite value; a missing value must be NaN`);
  }
}

/** Computes the prediction before the first tree; "mean" is the weighted mean of the targets. */
function computeBaseScore(
  y: Float32Array,
  baseScore: number | "mean",
  weights: Float32Array | undefined,
): number {
  if (baseScore !== "mean") return Math.fround(baseScore);
  if (weights === undefined) return Math.fround(sum(y) / y.length);
  let weightedSum = 0;
  for (let row = 0; row < y.length; row++) weightedSum += weights[row]! * y[row]!;
  return Math.fround(weightedSum / sum(weights));
}

function sum(values: Float32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
