import type { Split } from "../data/split.ts";
import type { FitContext } from "../models/model.ts";
import type { TrainedModel } from "../models/trained-model.ts";

/** Builds one model of a run: it fits a model here, or imports a file that was trained elsewhere. */
export interface ModelBuilder {
  readonly name: string;
  /** All settings that the model depends on, except the data and the seed. */
  readonly settings: Readonly<Record<string, unknown>>;
  /** What the builder assumes, a sentence each. */
  readonly notes?: readonly string[];
  build(split: Split, context: FitContext): Promise<TrainedModel>;
}
