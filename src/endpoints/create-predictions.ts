import { contentJson } from "chanfana";
import { z } from "zod";
import { EXAMPLE_STONE, Stone } from "../domain/diamond.ts";
import { formatVersion, ModelReference } from "../domain/models/model-reference.ts";
import { Prediction, roundPrice } from "../domain/prediction/prediction.ts";
import { Warning } from "../domain/prediction/warning.ts";
import { BATCH_ROUTE, PREDICTION_ROUTE } from "../domain/routes.ts";
import { isSingleStone, stoneListField } from "../domain/stone-list.ts";
import { type AppContext, logAnswer } from "../http/context.ts";
import { BODY_ERRORS, documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { type FieldError, NoPrice, NotFound, ValidationFailed } from "../http/errors.ts";
import { predictionParameters } from "../http/prediction-parameters.ts";
import { routingKeyHeader } from "../http/routing-key.ts";
import {
  type AnswerOptions,
  createDetailedPredictions,
  MAX_DETAILED_STONES,
} from "../inference/detailed-predictions.ts";
import { priceStones } from "../inference/predict.ts";
import { strictObject } from "../lib/input/fields.ts";
import { Endpoint } from "./base.ts";

const BatchRequest = strictObject("the body", {
  diamonds: stoneListField(Stone, "The stones to price. The predictions have the same order."),
}).meta({
  id: "BatchRequest",
  example: { diamonds: [EXAMPLE_STONE, { carat: 0.5, cut: "Very Good", color: "E", clarity: "VS1" }] },
});

const BatchResponse = z
  .object({
    id: z.string().meta({ description: "Id of this request in the log." }),
    model: ModelReference.meta({ description: "The model version that computed the prices." }),
    warnings: z.array(Warning).meta({
      description: "Warnings about all prices. Example: an earlier version of the model was used.",
    }),
    predictions: z
      .array(Prediction)
      .meta({ description: "One prediction per stone, in the order of the request." }),
  })
  .meta({ id: "BatchResponse" });

const schema = {
  operationId: "createPredictions",
  tags: ["Prices"],
  summary: "Price up to 1,000 diamonds in one request",
  description: `The same model version prices all stones. The predictions have the same order as the stones. The parameters are those of a single prediction and count for all stones. \`explain\` and \`comparables\` are possible for up to ${MAX_DETAILED_STONES} stones.

If one stone is not valid, the whole request fails. \`errors\` gives the position of each invalid stone, counted from 0 (for example \`diamonds.3.cut\`).`,
  request: {
    query: z.object(predictionParameters),
    headers: z.object(routingKeyHeader),
    body: {
      ...contentJson(BatchRequest),
      required: true,
    },
  },
  responses: {
    "200": {
      description: "The prices.",
      ...contentJson(BatchResponse),
    },
    ...documentErrors(...BODY_ERRORS, NotFound, NoPrice, ...REGISTRY_ERRORS),
  },
};

export class CreatePredictions extends Endpoint {
  static override readonly method = "post";
  static override readonly path = BATCH_ROUTE;
  static override readonly scope = "predict";
  static override readonly logsResponseBody = true;
  override schema = schema;

  protected override explainShape(body: unknown): string | undefined {
    if (Array.isArray(body)) return 'this is a list: send {"diamonds": [...]}';
    if (isSingleStone(body))
      return `this is one stone: send it to ${PREDICTION_ROUTE}, or send {"diamonds": [stone]}`;
    return super.explainShape(body);
  }

  override async handle(c: AppContext) {
    const { query, body } = await this.readInput(c, schema);
    const options = { ...query, explain: query.explain === "true" };
    checkStoneCount(body.diamonds.length, options);
    const { model, prices, warnings } = await priceStones(c, query.model, body.diamonds);
    logAnswer(c, { model });
    const roundedPrices: number[] = [];
    const errors: FieldError[] = [];
    for (const [i, price] of prices.entries()) {
      const rounded = roundPrice(price);
      if (rounded !== null) roundedPrices.push(rounded);
      else errors.push({ path: `diamonds.${i}`, message: "the values are too far from the training data" });
    }
    if (errors.length > 0) {
      const detail = `${formatVersion(model)} cannot price ${errors.length} of the ${body.diamonds.length} stones. Their values are too far from the training data.`;
      throw new NoPrice(detail, { errors });
    }
    return {
      id: c.get("requestContext").id,
      model: { name: model.name, version: model.version },
      warnings,
      predictions: await createDetailedPredictions(c, model, body.diamonds, roundedPrices, options),
    };
  }
}

/** @throws ValidationFailed if the batch has too many stones for what was asked for each */
function checkStoneCount(stones: number, { explain, comparables }: Partial<AnswerOptions>): void {
  if (stones <= MAX_DETAILED_STONES) return;
  const errors: FieldError[] = [];
  for (const [path, isWanted] of [
    ["explain", explain],
    ["comparables", comparables !== undefined],
  ] as const) {
    if (!isWanted) continue;
    const message = `${path} is possible for at most ${MAX_DETAILED_STONES} stones, and diamonds has ${stones}: send fewer stones in a batch, or leave ${path} out`;
    errors.push({ path, message });
  }
  if (errors[0] !== undefined) throw new ValidationFailed(errors[0].message, { errors });
}
