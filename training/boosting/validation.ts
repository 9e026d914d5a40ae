import type { Tree } from "./ensemble.ts";
import { checkMatrix, type Matrix } from "./matrix.ts";
import { addTree } from "./predict.ts";

/** Error of predictions, lower is better. */
export type Metric = (predicted: Float32Array, actual: Float32Array) => number;

/** Rows that the ensemble is not fitted on, by which it is told when to stop. */
export interface Validation {
  readonly x: Matrix;
  readonly y: Float32Array;
  /** Rounds without a better error after which the fit stops. */
  readonly patience: number;
  /** Default: root mean squared error. */
  readonly metric?: Metric;
}

/** Follows the error on the validation rows from round to round. */
export class EarlyStopping {
  private readonly validation: Validation;
  private readonly metric: Metric;
  private readonly predicted: Float32Array;
  private best: number;
  /** Number of trees at which the error was least. */
  bestRounds = 0;

  constructor(validation: Validation, baseScore: number) {
    const { x, y, metric } = validation;
    checkMatrix(x);
    if (y.length !== x.rows) throw new RangeError(`${y.length} validation targets for ${x.rows} rows`);
    this.validation = validation;
    this.metric = metric ?? rootMeanSquaredError;
    this.predicted = new Float32Array(x.rows).fill(baseScore);
    this.best = this.metric(this.predicted, y);
  }

  /** @returns whether to stop after this tree, the `rounds`-th */
  after(tree: Tree, rounds: number): boolean {
    const { x, y, patience } = this.validation;
    addTree(tree, x, this.predicted);
    const error = this.metric(this.predicted, y);
    if (error < this.best) {
      this.best = error;
      this.bestRounds = rounds;
    }
    return rounds - this.bestRounds >= patience;
  }
}

function rootMeanSquaredError(predicted: Float32Array, actual: Float32Array): number {
  let sum = 0;
  for (let row = 0; row < actual.length; row++) sum += (predicted[row]! - actual[row]!) ** 2;
  return Math.sqrt(sum / actual.length);
}
