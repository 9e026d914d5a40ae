import { z } from "zod";
import { MAX_TRAINING_PRICE, MIN_TRAINING_PRICE } from "../domain/diamond.ts";
import { ModelSelector } from "../domain/models/model-selector.ts";
import { DEFAULT_COVERAGE, MAX_COVERAGE, MIN_COVERAGE } from "../domain/prediction/calibration.ts";
import { MAX_SIMILAR_DIAMONDS } from "../domain/prediction/similar-diamond.ts";
import { choiceField, createFieldMessage } from "../lib/input/fields.ts";
import { numberParameter } from "./parameters.ts";

const coverageError = createFieldMessage(
  "coverage",
  `coverage must be a number from ${MIN_COVERAGE} to ${MAX_COVERAGE}`,
);
const askingError = createFieldMessage(
  "asking",
  `asking must be a number of US dollars from ${MIN_TRAINING_PRICE} to ${MAX_TRAINING_PRICE.toLocaleString("en-US")}`,
);

/** A parameter with a number of similar stones. */
export function similarCountParameter(name: string) {
  const error = createFieldMessage(name, `${name} must be a whole number from 1 to ${MAX_SIMILAR_DIAMONDS}`);
  return numberParameter(
    z.number({ error }).int({ error }).min(1, { error }).max(MAX_SIMILAR_DIAMONDS, { error }),
  );
}

/** The parameters of a prediction and of a batch: the model, and what the answer has beside the price. */
export const predictionParameters = {
  model: ModelSelector,
  coverage: numberParameter(
    z
      .number({ error: coverageError })
      .min(MIN_COVERAGE, { error: coverageError })
      .max(MAX_COVERAGE, { error: coverageError }),
  )
    .default(DEFAULT_COVERAGE)
    .meta({
      description: `The fraction of such stones whose real price shall be in \`range\`, from ${MIN_COVERAGE} to ${MAX_COVERAGE}.`,
    }),
  explain: choiceField("explain", ["true", "false"])
    .default("false")
    .meta({ description: "`true` adds `explanation`: why the price is what it is." }),
  asking: numberParameter(
    z
      .number({ error: askingError })
      .min(MIN_TRAINING_PRICE, { error: askingError })
      .max(MAX_TRAINING_PRICE, { error: askingError }),
  )
    .optional()
    .meta({ description: "An asking price in US dollars. The answer says how it compares." }),
  comparables: similarCountParameter("comparables")
    .optional()
    .meta({
      description: `Adds this many comparable stones with known prices, from 1 to ${MAX_SIMILAR_DIAMONDS}.`,
    }),
};
