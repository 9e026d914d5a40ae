import type { GradeColumn, NumberColumn } from "../../src/domain/diamond.ts";
import type { Matrix } from "../boosting/index.ts";
import type { Graph, Value } from "../onnx/graph.ts";

/** A stone's columns as values of a graph, each of shape [N]: numbers as float, grades as string. */
export type StoneValues = Readonly<Record<NumberColumn, Value> & Record<GradeColumn, Value>>;

/** What a model is fitted on. Features come from the model's own graph, run over the training rows. */
export interface TrainingSet {
  readonly features: Matrix;
  /** Prices in US dollars, one a row. */
  readonly prices: Float32Array;
}

export interface FitContext {
  readonly seed: number;
  /** Told as the fit goes on, for the progress display. */
  readonly onProgress?: (done: number, total: number) => void;
}

/** A model after its fit: how its price is computed, in the graph and in plain code. */
export interface FittedModel {
  /** Adds the nodes from features [N, F] to prices [N] in US dollars, float. */
  price(graph: Graph, features: Value): Value;
  /** The same in plain code: the reference that the graph must agree with. */
  predict(features: Matrix): Float32Array | Float64Array;
  /** What the fit settled by itself, such as the number of rounds; kept with the hyperparameters. */
  readonly settled?: Readonly<Record<string, unknown>>;
  /** How much each feature contributed, in shares that sum to 1. */
  readonly importance?: Readonly<Record<string, number>>;
}

/**
 * A kind of price model. A new one is a file that exports this, and a line in ./index.ts.
 * The registry, the gate and the Worker know nothing else of it.
 */
export interface PriceModel {
  /** Lower-case words joined by hyphens: its name in the registry and in the API. */
  readonly name: string;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** Names of the F features, in order. */
  readonly featureNames: readonly string[];
  /** Adds the nodes from a completed stone to its features, float, shape [N, F]. */
  features(graph: Graph, stone: StoneValues): Value;
  fit(training: TrainingSet, context: FitContext): Promise<FittedModel>;
}
