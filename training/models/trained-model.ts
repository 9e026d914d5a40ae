import type { Importance, Metrics, Ranges } from "../../src/domain/models/model-record.ts";

/** A model that is ready to be judged and published. */
export interface TrainedModel {
  readonly name: string;
  /** The ONNX file, which is the whole model. */
  readonly bytes: Uint8Array;
  readonly sha256: string;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** Computed from the ONNX file's prices of the test stones. */
  readonly metrics: Metrics;
  /** The ONNX file's price of each test stone, US dollars. */
  readonly prices: Float32Array;
  /** Smallest and largest value of each number column in the training stones. */
  readonly ranges: Ranges;
  /** 0 for an imported model. */
  readonly fitSeconds: number;
  readonly importance: Importance;
}

/** A trained model with the version that it is published as. */
export type VersionedModel = TrainedModel & { readonly version: number };
