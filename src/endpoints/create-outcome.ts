import { contentJson } from "chanfana";
import { z } from "zod";
import { insertOutcome } from "../db/request-log/outcomes.ts";
import { PricedStone } from "../domain/diamond.ts";
import { ModelReference } from "../domain/model-record.ts";
import type { AppContext } from "../http/context.ts";
import { BODY_ERRORS, documentErrors, LOG_ERRORS } from "../http/error-responses.ts";
import { NotFound, ValidationFailed } from "../http/errors.ts";
import { strictObject } from "../lib/fields.ts";
import { findRequest, type WholeRequest } from "../request-log/read/find-request.ts";
import { readPredictedPrices } from "../request-log/read/predictions.ts";
import { Endpoint } from "./base.ts";

const DAY_MS = 86_400_000;
const indexError = "index must be the place of the stone in the batch, a whole number from 0";
const soldAtError =
  "soldAt must be a day such as 2026-11-24, or a time such as 2026-11-24T09:30:00Z, and not in the future";

const soldAt = z
  .union([z.iso.datetime({ offset: true }), z.iso.date()], { error: soldAtError })
  // A day ahead, for those whose day begins earlier.
  .refine((text) => Date.parse(text) <= Date.now() + DAY_MS, { error: soldAtError })
  .meta({ description: "When it was sold.", example: "2026-11-24" });

const place = z
  .number({ error: indexError })
  .int({ error: indexError })
  .min(0, { error: indexError })
  .max(999_999, { error: indexError });

const schema = {
  operationId: "createOutcome",
  tags: ["Log"],
  summary: "Tell what a stone really sold for",
  description: `The id is the one that the prediction came with. For a stone of a batch, \`index\` says which, counted from 0.

Sales show how far the model is off by now: \`GET /v1/monitoring\` compares. Told twice, the newer one counts, and the older ones are kept.`,
  request: {
    params: z.object({
      id: z.string().min(1).meta({
        description: "Id of a prediction.",
        example: "019ab2f0-6d1c-7a55-9f3e-2b7c4d1e8a90",
      }),
    }),
    body: {
      ...contentJson(
        strictObject("an outcome", {
          price: PricedStone.shape.price.meta({
            description: "What it sold for, US dollars.",
            example: 4890,
          }),
          soldAt: soldAt.optional(),
          index: place
            .optional()
            .meta({ description: "Which stone of a batch, counted from 0.", example: 0 }),
        }),
      ),
      required: true,
    },
  },
  responses: {
    "201": {
      description: "Kept.",
      ...contentJson(
        z.object({
          id: z.string().min(1).meta({ description: "Id of this outcome." }),
          prediction: z.string().meta({ description: "Id of the prediction." }),
          index: place,
          price: z.number().meta({ description: "What it sold for, US dollars.", example: 4890 }),
          soldAt: z.string().nullable(),
          predicted: z.number().meta({ description: "What was predicted, US dollars.", example: 4683.2 }),
          model: ModelReference.meta({ description: "The model that predicted it." }),
          corrects: z.number().nullable().meta({
            description: "The price that was told before and no longer counts; null for the first.",
          }),
        }),
      ),
    },
    ...documentErrors(...BODY_ERRORS, NotFound, ...LOG_ERRORS),
  },
};

export class CreateOutcome extends Endpoint {
  static override readonly method = "post";
  static override readonly path = "/v1/predictions/:id/outcome";
  static override readonly scope = "appraise";
  override schema = schema;

  override async handle(c: AppContext) {
    const { params, body } = await this.input(c, schema);
    const request = await findRequest(c.env, params.id);
    const { item, predicted, model } = itemOf(request, params.id, body.index);
    const { id, at, caller } = c.var.requestContext;
    const outcome = { id, at, caller, prediction: params.id, item, predicted, price: body.price };
    const before = await insertOutcome(c.env.LOG_DB, {
      ...outcome,
      soldAt: body.soldAt ?? null,
      model: model.name,
      modelVersion: model.version,
    });
    return c.json(
      {
        id,
        prediction: params.id,
        index: item,
        price: body.price,
        soldAt: body.soldAt ?? null,
        predicted,
        model,
        corrects: before?.price ?? null,
      },
      201,
    );
  }
}

/** @throws NotFound, InvalidInput */
function itemOf(request: WholeRequest | null, id: string, index: number | undefined) {
  const predicted = request && readPredictedPrices(request);
  if (!request?.model || !request.modelVersion || !predicted)
    throw new NotFound(
      `There is no prediction ${id.slice(0, 100)}. It takes a moment after its answer until it is known here.`,
    );
  if (predicted.batch && index === undefined) {
    const message = `index is required: which of the ${predicted.prices.length} stones of the batch, counted from 0`;
    throw new ValidationFailed(message, { errors: [{ path: "index", message }] });
  }
  const item = index ?? 0;
  const price = predicted.prices[item];
  if (price === undefined)
    throw new NotFound(
      `The prediction ${id} has no stone ${item}: it has ${predicted.prices.length}, counted from 0.`,
    );
  return { item, predicted: price, model: { name: request.model, version: request.modelVersion } };
}
