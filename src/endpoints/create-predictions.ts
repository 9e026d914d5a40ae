import { contentJson } from "chanfana";
import { z } from "zod";
import { Stone } from "../domain/diamond.ts";
import { ModelReference } from "../domain/model-record.ts";
import { formatVersion, ModelSelector } from "../domain/model-selector.ts";
import { Prediction, toPrediction } from "../domain/prediction.ts";
import { stoneList } from "../domain/stone-list.ts";
import type { AppContext } from "../http/context.ts";
import { BODY_ERRORS, documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { type FieldError, NoPrice, NotFound } from "../http/errors.ts";
import { routingKeyHeader } from "../http/routing-key.ts";
import { priceStones } from "../inference/predict.ts";
import { strictObject } from "../lib/fields.ts";
import { Endpoint } from "./base.ts";

const schema = {
  operationId: "createPredictions",
  tags: ["Prices"],
  summary: "Price up to 1,000 diamonds at once",
  description: `One request, one model, one answer for each stone, in the same order.

The stones are priced together or not at all: where one of them is not valid, \`errors\` names it by its place (\`diamonds.3.cut\`, counted from 0).`,
  request: {
    query: strictObject("the query", { model: ModelSelector }),
    headers: z.object(routingKeyHeader),
    body: {
      ...contentJson(
        strictObject("the body", {
          diamonds: stoneList(Stone, "The stones, in the order in which they are to be answered."),
        }),
      ),
      required: true,
    },
  },
  responses: {
    "200": {
      description: "The prices.",
      ...contentJson(
        z.object({
          id: z.string().meta({ description: "Id of this request in the log." }),
          model: ModelReference.meta({ description: "The model that answered." }),
          warnings: z.array(z.string()).meta({ description: "What to know before relying on any of them." }),
          predictions: z.array(Prediction),
        }),
      ),
    },
    ...documentErrors(...BODY_ERRORS, NotFound, NoPrice, ...REGISTRY_ERRORS),
  },
};

export class CreatePredictions extends Endpoint {
  static override readonly method = "post";
  static override readonly path = "/v1/predictions/batch";
  static override readonly scope = "predict";
  override schema = schema;

  override async handle(c: AppContext) {
    const { query, body } = await this.input(c, schema);
    const { model, prices, warnings } = await priceStones(c, query.model, body.diamonds);
    const predictions: Prediction[] = [];
    const errors: FieldError[] = [];
    body.diamonds.forEach((stone, i) => {
      const prediction = toPrediction(stone, prices[i] ?? Number.NaN, model.ranges);
      if (prediction) predictions.push(prediction);
      else errors.push({ path: `diamonds.${i}`, message: "too far from what the model knows to be priced" });
    });
    if (errors.length > 0) {
      const detail = `${errors.length} of the stones are too far from anything that ${formatVersion(model)} was trained on to be priced.`;
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
