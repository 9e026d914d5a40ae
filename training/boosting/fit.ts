import { availableParallelism } from "node:os";
import { setImmediate } from "node:timers/promises";
import type { Ensemble, Tree } from "./ensemble.ts";
import { Grower } from "./grow.ts";
import { checkMatrix, type Matrix } from "./matrix.ts";
import { type BoostingParameters, checkParameters } from "./parameters.ts";
import { predictEnsemble } from "./predict.ts";
import { startThreadPool } from "./thread-pool.ts";
import { EarlyStopping, type Validation } from "./validation.ts";
import { createWorkspace, type Workspace } from "./workspace.ts";

export interface FitOptions {
  /** Number of threads; default: 1, or up to 4 where there are rows enough for that to pay. The ensemble is the same. */
  readonly threads?: number;
  /** Told after each round. */
  readonly onRound?: (done: number, total: number) => void;
  /** Stops early, and keeps the rounds up to the best. */
  readonly validation?: Validation;
  /** One a row, above 0: how much the row's squared error counts. */
  readonly weights?: Float32Array;
  /** Rejects with the signal's reason, within about 50 ms. */
  readonly signal?: AbortSignal;
}

export interface Fit extends Ensemble {
  /** The ensemble's prediction of each row that it was fitted on. */
  readonly fitted: Float32Array;
}

/** Below this many rows, starting a thread and meeting it at each level takes longer than it saves. */
const ROWS_TO_SHARE = 200_000;
const MOST_THREADS = 4;

/** Milliseconds after which the event loop gets a turn. */
const TURN = 50;

/**
 * Boosts regression trees for squared error, as XGBoost's `hist` tree method does: the same trees up to ties.
 * The result depends on the data and the parameters alone, to the bit, not on the number of threads.
 * @param y the target of each row, finite
 * @throws RangeError where a parameter, the targets or the weights are out of range
 */
export async function fitEnsemble(
  x: Matrix,
  y: Float32Array,
  parameters: BoostingParameters,
  options: FitOptions = {},
): Promise<Fit> {
  const features = x.columns.length;
  checkParameters(parameters, features);
  checkMatrix(x);
  checkTargets(y, x.rows, options.weights);
  const space = createWorkspace(
    x,
    y,
    options.weights ?? null,
    parameters,
    options.threads ?? threadsFor(x.rows),
  );
  const baseScore = startingScore(y, parameters.baseScore, options.weights);
  space.margins.fill(baseScore);

  const stopping = options.validation ? new EarlyStopping(options.validation, baseScore) : null;
  const crew = await startThreadPool(space);
  try {
    crew.run("bin");
    checkFinite(space);
    crew.run("arrange");
    const grower = new Grower(space, crew, parameters);
    const trees: Tree[] = [];
    grower.finish([], 0);
    let turn = performance.now();
    for (let round = 0; round < parameters.rounds; round++) {
      const tree = grower.grow(round);
      trees.push(tree);
      options.onRound?.(round + 1, parameters.rounds);
      if (stopping?.after(tree, round + 1)) break;
      if (performance.now() - turn > TURN) {
        await setImmediate();
        turn = performance.now();
      }
      options.signal?.throwIfAborted();
    }
    if (stopping === null) return { baseScore, features, trees, fitted: space.margins };
    const best = { baseScore, features, trees: trees.slice(0, stopping.bestRounds) };
    return { ...best, fitted: predictEnsemble(best, x) };
  } finally {
    await crew.stop();
  }
}

function threadsFor(rows: number): number {
  return rows < ROWS_TO_SHARE ? 1 : Math.min(MOST_THREADS, availableParallelism());
}

function checkTargets(y: Float32Array, rows: number, weights: Float32Array | undefined): void {
  if (rows === 0) throw new RangeError("there are no rows to fit");
  if (y.length !== rows) throw new RangeError(`${y.length} targets for ${rows} rows`);
  if (!y.every(Number.isFinite)) throw new RangeError("a target is not finite");
  if (weights === undefined) return;
  if (weights.length !== rows) throw new RangeError(`${weights.length} weights for ${rows} rows`);
  if (!weights.every((weight) => weight > 0 && Number.isFinite(weight))) {
    throw new RangeError("a weight is not a finite number above 0");
  }
}

function checkFinite({ cuts }: Workspace): void {
  const infinite = cuts.bins.indexOf(-1);
  if (infinite >= 0) throw new RangeError(`feature ${infinite} is infinite in a row: a missing value is NaN`);
}

function startingScore(
  y: Float32Array,
  baseScore: number | "mean",
  weights: Float32Array | undefined,
): number {
  if (baseScore !== "mean") return Math.fround(baseScore);
  if (weights === undefined) return Math.fround(sum(y) / y.length);
  let weighted = 0;
  for (let row = 0; row < y.length; row++) weighted += weights[row]! * y[row]!;
  return Math.fround(weighted / sum(weights));
}

function sum(values: Float32Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
