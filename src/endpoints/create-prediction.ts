import { contentJson } from "chanfana";
import { z } from "zod";
import { Stone } from "../domain/diamond.ts";
import { formatVersion, ModelReference } from "../domain/models/model-reference.ts";
import { Prediction, roundPrice } from "../domain/prediction/prediction.ts";
import { BATCH_ROUTE, PREDICTION_ROUTE } from "../domain/routes.ts";
import { type AppContext, logAnswer } from "../http/context.ts";
import { BODY_ERRORS, documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { NoPrice, NotFound } from "../http/errors.ts";
import { predictionParameters } from "../http/prediction-parameters.ts";
import { routingKeyHeader } from "../http/routing-key.ts";
import { createDetailedPredictions } from "../inference/detailed-predictions.ts";
import { priceStones } from "../inference/predict.ts";
import { Endpoint } from "./base.ts";

const PredictionResponse = z
  .object({
    id: z.string().meta({
      description: "Id of this prediction. The request has the same id in the log.",
      example: "019ab2f0-6d1c-7a55-9f3e-2b7c4d1e8a90",
    }),
    ...Prediction.shape,
    model: ModelReference.meta({ description: "The model version that computed the price." }),
  })
  .meta({
    id: "PredictionResponse",
    // The answer to EXAMPLE_STONE with ?explain=true&asking=4200.
    example: {
      id: "019ab2f0-6d1c-7a55-9f3e-2b7c4d1e8a90",
      price: 4784.83,
      currency: "USD",
      range: { low: 4291.52, high: 5206.33, coverage: 0.8 },
      imputed: [],
      warnings: [],
      asking: { price: 4200, percentile: 0.0739 },
      explanation: {
        basePrice: 2410.71,
        reasons: [
          {
            feature: "size",
            value: "1.1 ct",
            factor: 2.592607,
            amount: 3299.26,
            text: "Size 1.1 ct: 2.6 times the price of a typical stone",
          },
          {
            feature: "clarity",
            value: "SI2",
            factor: 0.7906743,
            amount: -813.4,
            text: "Clarity SI2: 21 % below a typical stone",
          },
          {
            feature: "color",
            value: "H",
            factor: 0.9385595,
            amount: -219.6,
            text: "Colour H: 6.1 % below a typical stone",
          },
          {
            feature: "cut",
            value: "Ideal",
            factor: 1.0325936,
            amount: 111.08,
            text: "Cut Ideal: 3.3 % above a typical stone",
          },
          {
            feature: "proportions",
            value: "depth 62 %, table 55 %",
            factor: 0.99907,
            amount: -3.22,
            text: "Proportions (depth 62 %, table 55 %): 0.1 % below a typical stone",
          },
        ],
      },
      model: { name: "gradient-boosting", version: 1 },
    },
  });

const schema = {
  operationId: "createPrediction",
  tags: ["Prices"],
  summary: "Price a diamond",
  description: `Send the properties of a stone. The response has its price.

**Required**: \`carat\`, \`cut\`, \`color\` and \`clarity\`.

**Optional**: \`depth\`, \`table\`, \`x\`, \`y\` and \`z\`. The model estimates missing measurements, and \`imputed\` lists them. The price is then a little less accurate.

**How sure**: \`range\` says between which prices nine of ten such stones are sold. \`coverage\` asks for another share.

**Why**: \`explain=true\` adds the reasons for the price, as differences from a typical stone.

**Is an asking price good?** \`asking=4200\` says how many such stones are priced below it. \`comparables=5\` adds comparable stones with known prices.

**Warnings**: A stone whose values do not fit together, or that is far from all training stones, still gets a price. \`warnings\` says what does not fit, and what would.`,
  request: {
    query: z.object(predictionParameters),
    headers: z.object(routingKeyHeader),
    body: { ...contentJson(Stone), required: true },
  },
  responses: {
    "200": {
      description: "The price.",
      ...contentJson(PredictionResponse),
    },
    ...documentErrors(...BODY_ERRORS, NotFound, NoPrice, ...REGISTRY_ERRORS),
  },
};

export class CreatePrediction extends Endpoint {
  static override readonly method = "post";
  static override readonly path = PREDICTION_ROUTE;
  static override readonly scope = "predict";
  static override readonly logsResponseBody = true;
  override schema = schema;

  protected override explainShape(body: unknown): string | undefined {
    if (Array.isArray(body)) return `this is a list: send {"diamonds": [...]} to ${BATCH_ROUTE}`;
    if (Object.hasOwn(Object(body), "diamonds")) return `this is a batch: send it to ${BATCH_ROUTE}`;
    return super.explainShape(body);
  }

  override async handle(c: AppContext) {
    const { query, body: stone } = await this.readInput(c, schema);
    const { model, prices, warnings, challenger } = await priceStones(c, query.model, [stone]);
    logAnswer(c, { model });
    const price = roundPrice(prices[0] ?? Number.NaN);
    if (price === null)
      throw new NoPrice(
        `${formatVersion(model)} cannot price this stone. Its values are too far from the training data. Check the values.`,
      );
    logAnswer(c, { price, shadow: challenger && { challenger, stone } });
    const options = { ...query, explain: query.explain === "true" };
    const [prediction] = await createDetailedPredictions(c, model, [stone], [price], options);
    return {
      id: c.get("requestContext").id,
      ...prediction!,
      warnings: [...warnings, ...prediction!.warnings],
      model: { name: model.name, version: model.version },
    };
  }
}
