import type { Matrix } from "../boosting/index.ts";
import type { Graph, GraphValue } from "../onnx/graph.ts";
import type { StoneValues } from "../onnx/stone-inputs.ts";

/**
 * The data that a model is fitted on. The features are the output of the model's own graph for the training
 * stones.
 */
export interface TrainingSet {
  readonly features: Matrix;
  /** The price of each row, US dollars. */
  readonly prices: Float32Array;
}

export interface FitContext {
  readonly seed: number;
  /** Called during the fit, for the progress display. */
  readonly onProgress?: (done: number, total: number) => void;
  /** Called before each fit of the calibration, for the progress display. */
  readonly onFold?: (fold: number, folds: number) => void;
}

/** A model after its fit. It can compute prices in a graph and in plain code. */
export interface FittedModel {
  /**
   * Adds the nodes that compute prices, float [N] in US dollars, from features, float [N, F], and weights,
   * float [N] in carats.
   */
  addPrice(graph: Graph, features: GraphValue, carat: GraphValue): GraphValue;
  /** Computes the same prices in plain code. The exported graph is checked against them. */
  predict(features: Matrix): Float32Array | Float64Array;
  /** Parameters that the fit determined, such as an intercept. They are stored with the hyperparameters. */
  readonly fittedParameters?: Readonly<Record<string, unknown>>;
  /** Each feature's fraction of the total gain. The fractions sum to 1. */
  readonly importance?: Readonly<Record<string, number>>;
}

/**
 * A kind of price model. To add one, write a file that exports it and add a line to ./index.ts.
 * The registry, the promotion policy and the Worker do not depend on the kind of a model.
 */
export interface PriceModel {
  /** The name in the registry and in the API: lower-case words joined by hyphens. */
  readonly name: string;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** Names of the F features, in order. */
  readonly featureNames: readonly string[];
  /** Adds the nodes that compute the features, float [N, F], from a stone without missing measurements. */
  addFeatures(graph: Graph, stone: StoneValues): GraphValue;
  fit(training: TrainingSet, context: FitContext): Promise<FittedModel>;
}
