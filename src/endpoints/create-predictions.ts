import { contentJson } from "chanfana";
import { z } from "zod";
import { EXAMPLE_STONE, Stone } from "../domain/diamond.ts";
import { formatVersion, ModelReference } from "../domain/models/model-reference.ts";
import { ModelSelector } from "../domain/models/model-selector.ts";
import { Prediction, toPrediction } from "../domain/prediction.ts";
import { BATCH_ROUTE, PREDICTION_ROUTE } from "../domain/routes.ts";
import { isSingleStone, stoneListField } from "../domain/stone-list.ts";
import { type AppContext, logAnswer } from "../http/context.ts";
import { BODY_ERRORS, documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { type FieldError, NoPrice, NotFound } from "../http/errors.ts";
import { routingKeyHeader } from "../http/routing-key.ts";
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
    warnings: z.array(z.string()).meta({
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
  description: `The same model version prices all stones. The predictions have the same order as the stones.

If one stone is not valid, the whole request fails. \`errors\` gives the position of each invalid stone, counted from 0 (for example \`diamonds.3.cut\`).`,
  request: {
    query: z.object({ model: ModelSelector }),
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
    const { model, prices, warnings } = await priceStones(c, query.model, body.diamonds);
    logAnswer(c, { model });
    const predictions: Prediction[] = [];
    const errors: FieldError[] = [];
    body.diamonds.forEach((stone, i) => {
      const prediction = toPrediction(stone, prices[i] ?? Number.NaN, model.ranges);
      if (prediction) predictions.push(prediction);
      else errors.push({ path: `diamonds.${i}`, message: "the values are too far from the training data" });
    });
    if (errors.length > 0) {
      const detail = `${formatVersion(model)} cannot price ${errors.length} of the ${body.diamonds.length} stones. Their values are too far from the training data.`;
      throw new NoPrice(detail, { errors });
    }
    return {
      id: c.var.requestContext.id,
      model: { name: model.name, version: model.version },
      warnings,
      predictions,
    };
  }
}
