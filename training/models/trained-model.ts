import type { ModelMemory } from "../../src/domain/models/model-memory.ts";
import type { Importance, Metrics } from "../../src/domain/models/model-record.ts";
import type { Calibration } from "../../src/domain/prediction/calibration.ts";
import type { ExplainedStone } from "../evaluation/explain-examples.ts";
import type { TrainingStatistics } from "../evaluation/training-statistics.ts";

/** A model that is ready to be judged and published. */
export interface TrainedModel extends TrainingStatistics {
  readonly name: string;
  /** The ONNX file, which is the whole model. */
  readonly bytes: Uint8Array;
  readonly sha256: string;
  /** What the Worker needs to serve it. It is not more than the Worker allows. */
  readonly memory: ModelMemory;
  readonly hyperparameters: Readonly<Record<string, unknown>>;
  /** Computed from the ONNX file's prices of the test stones. */
  readonly metrics: Metrics;
  /** The ONNX file's price of each test stone, US dollars. */
  readonly prices: Float32Array;
  /** Null if there are too few stones for it. */
  readonly calibration: Calibration | null;
  /** Test stones with the reasons for the model's price, for the model card. */
  readonly examples: readonly ExplainedStone[];
  /** 0 for an imported model. */
  readonly fitSeconds: number;
  readonly importance: Importance;
  /** What a reader of the run's result must know about the model, a sentence each. */
  readonly notes?: readonly string[];
}

/** A trained model with the version that it is published as. */
export type VersionedModel = TrainedModel & { readonly version: number };
