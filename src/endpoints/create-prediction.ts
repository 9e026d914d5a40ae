import { contentJson } from "chanfana";
import { z } from "zod";
import { Stone } from "../domain/diamond.ts";
import { ModelReference } from "../domain/model-record.ts";
import { formatVersion, ModelSelector } from "../domain/model-selector.ts";
import { Prediction, toPrediction } from "../domain/prediction.ts";
import type { AppContext } from "../http/context.ts";
import { BODY_ERRORS, documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { NoPrice, NotFound } from "../http/errors.ts";
import { routingKeyHeader } from "../http/routing-key.ts";
import { priceStones } from "../inference/predict.ts";
import { priceInShadow } from "../inference/shadow.ts";
import { strictObject } from "../lib/fields.ts";
import { Endpoint } from "./base.ts";

const schema = {
  operationId: "createPrediction",
  tags: ["Prices"],
  summary: "Price a diamond",
  description: `Send what you know of a stone and get its price.

\`carat\`, \`cut\`, \`color\` and \`clarity\` are required. Measurements that you leave out (\`depth\`, \`table\`, \`x\`, \`y\`, \`z\`) are completed from the rest, and \`imputed\` names them: the price is then a little less sure.

A stone unlike those that the model was trained on is priced all the same, and \`warnings\` says so.`,
  request: {
    query: strictObject("the query", { model: ModelSelector }),
    headers: z.object(routingKeyHeader),
    body: { ...contentJson(Stone), required: true },
  },
  responses: {
    "200": {
      description: "The price.",
      ...contentJson(
        z.object({
          id: z.string().meta({
            description: "Id of this prediction and of its request in the log.",
            example: "019ab2f0-6d1c-7a55-9f3e-2b7c4d1e8a90",
          }),
          ...Prediction.shape,
          model: ModelReference.meta({ description: "The model that answered." }),
        }),
      ),
    },
    ...documentErrors(...BODY_ERRORS, NotFound, NoPrice, ...REGISTRY_ERRORS),
  },
};

export class CreatePrediction extends Endpoint {
  static override readonly method = "post";
  static override readonly path = "/v1/predictions";
  static override readonly scope = "predict";
  override schema = schema;

  override async handle(c: AppContext) {
    const { query, body: stone } = await this.input(c, schema);
    const { model, prices, warnings, challenger } = await priceStones(c, query.model, [stone]);
    const prediction = toPrediction(stone, prices[0] ?? Number.NaN, model.ranges);
    if (prediction === null)
      throw new NoPrice(
        `This stone is too far from anything that ${formatVersion(model)} was trained on to be priced. Check its values.`,
      );
    c.var.requestContext.price = prediction.price;
    if (challenger !== null) c.var.requestContext.shadow = () => priceInShadow(c, challenger, stone);
    return {
      id: c.var.requestContext.id,
      price: prediction.price,
      currency: prediction.currency,
      model: { name: model.name, version: model.version },
      imputed: prediction.imputed,
      warnings: [...warnings, ...prediction.warnings],
    };
  }
}
