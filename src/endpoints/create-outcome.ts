import { contentJson } from "chanfana";
import { z } from "zod";
import { hasScope } from "../access/authorize.ts";
import { insertOutcome } from "../db/request-log/outcomes.ts";
import type { RequestRecord } from "../db/request-log/requests.ts";
import { pricedStoneFields } from "../domain/diamond.ts";
import { ModelReference } from "../domain/models/model-reference.ts";
import { PriceRange } from "../domain/prediction/prediction.ts";
import type { AppContext } from "../http/context.ts";
import { BODY_ERRORS, documentErrors, documentRetry, LOG_ERRORS } from "../http/error-responses.ts";
import { NotFound, ValidationFailed } from "../http/errors.ts";
import { createFieldMessage, optionalField, strictObject } from "../lib/input/fields.ts";
import { isIsoDate, parseIsoTime } from "../lib/input/iso-time.ts";
import { DAY_MS } from "../lib/time.ts";
import { truncate } from "../lib/truncate.ts";
import { createRequestNotFound, findRequest } from "../request-log/read/find-request.ts";
import { readPredictedPrices } from "../request-log/read/predictions.ts";
import { Endpoint } from "./base.ts";

const indexError = createFieldMessage(
  "index",
  "index must be the position of the stone in the batch: a whole number from 0",
);
const soldAtError = createFieldMessage(
  "soldAt",
  "soldAt must be a date or a time in ISO 8601, such as 2026-11-24 or 2026-11-24T09:30:00Z, and not in the future",
);

/** A date stays a date. A time is stored in UTC. */
const soldAt = z.string({ error: soldAtError }).transform((text, context) => {
  const at = parseIsoTime(text);
  // In a time zone east of UTC, the local date can be one day ahead of the date in UTC.
  if (at === null || at > Date.now() + DAY_MS) {
    context.addIssue({ code: "custom", message: soldAtError({ input: text }) });
    return z.NEVER;
  }
  const time = new Date(at).toISOString();
  return isIsoDate(text) ? time.slice(0, 10) : time;
});

const stoneIndex = z
  .number({ error: indexError })
  .int({ error: indexError })
  .min(0, { error: indexError })
  .max(999_999, { error: indexError });

const OutcomeRequest = strictObject("an outcome", {
  price: pricedStoneFields.price.meta({
    description: "Sale price in US dollars.",
    example: 4890,
  }),
  soldAt: optionalField(soldAt).meta({
    description:
      "Date or time of the sale in ISO 8601. A time without an offset is in UTC. It must not be in the future.",
    example: "2026-05-04",
  }),
  index: optionalField(stoneIndex).meta({
    description: "Position of the stone in the batch, counted from 0. Required for a batch.",
    example: 0,
  }),
}).meta({ id: "OutcomeRequest", example: { price: 4890, soldAt: "2026-05-04" } });

const OutcomeResponse = z
  .object({
    id: z.string().meta({ description: "Id of this outcome." }),
    prediction: z.string().meta({ description: "Id of the prediction." }),
    index: stoneIndex,
    price: z.number().meta({ description: "Sale price in US dollars.", example: 4890 }),
    soldAt: z.string().nullable().meta({ description: "Date or time (UTC) of the sale." }),
    predicted: z.number().meta({ description: "Predicted price in US dollars.", example: 4683.2 }),
    range: PriceRange.nullable().meta({
      description: "The range of the predicted price; null if the prediction had none.",
    }),
    model: ModelReference.meta({ description: "The model version that predicted the price." }),
    corrects: z.number().nullable().meta({
      description: "The sale price that this outcome replaces; null for the first outcome of the stone.",
    }),
  })
  .meta({ id: "OutcomeResponse" });

const schema = {
  operationId: "createOutcome",
  tags: ["Log"],
  summary: "Report the sale price of a stone",
  description: `Use the id of the prediction. The key that asked for the price can report the sale. Any other key needs the scope \`admin\`. If the prediction was a batch, \`index\` is the position of the stone in the batch.

\`GET /v1/monitoring\` compares sale prices with predicted prices. If you report a stone again, the new price replaces the old one. The log keeps both.`,
  request: {
    params: z.object({
      id: z.string().min(1).meta({
        description: "Id of the prediction: the field `id` of its answer.",
        example: "019ab2f0-6d1c-7a55-9f3e-2b7c4d1e8a90",
      }),
    }),
    body: {
      ...contentJson(OutcomeRequest),
      required: true,
    },
  },
  responses: {
    "201": {
      description: "The outcome is stored.",
      ...contentJson(OutcomeResponse),
    },
    ...documentRetry(documentErrors(...BODY_ERRORS, NotFound, ...LOG_ERRORS)),
  },
};

export class CreateOutcome extends Endpoint {
  static override readonly method = "post";
  static override readonly path = "/v1/predictions/:id/outcome";
  static override readonly scope = "appraise";
  static override readonly logsResponseBody = true;
  override schema = schema;

  override async handle(c: AppContext) {
    const { params, body } = await this.readInput(c, schema);
    const request = await findOwnRequest(c, params.id);
    const { item, predicted, range, model } = findPredictedStone(request, params.id, body.index);
    const { id, at, caller } = c.get("requestContext");
    const outcome = { id, at, caller, prediction: params.id, item, predicted, price: body.price };
    const { isStored, corrected } = await insertOutcome(c.env.LOG_DB, {
      ...outcome,
      soldAt: body.soldAt ?? null,
      model: model.name,
      modelVersion: model.version,
      rangeLow: range?.low ?? null,
      rangeHigh: range?.high ?? null,
      coverage: range?.coverage ?? null,
    });
    if (!isStored) throw createRequestNotFound("prediction", params.id);
    return c.json(
      {
        id,
        prediction: params.id,
        index: item,
        price: body.price,
        soldAt: body.soldAt ?? null,
        predicted,
        range,
        model,
        corrects: corrected?.price ?? null,
      },
      201,
    );
  }
}

/**
 * Finds a request that the caller may report an outcome for. The answer shows the predicted price, so another
 * key gets the same 404 as for an id that does not exist.
 * @throws NotFound
 */
async function findOwnRequest(c: AppContext, id: string): Promise<RequestRecord> {
  const request = await findRequest(c.env, id);
  const { caller } = c.get("requestContext");
  const isAdmin = hasScope(c, "admin");
  if (request !== null && (isAdmin || request.caller === caller)) return request;
  throw createRequestNotFound("prediction", id, isAdmin ? null : caller);
}

/** @throws NotFound, ValidationFailed */
function findPredictedStone(request: RequestRecord, id: string, index: number | undefined) {
  const predicted = readPredictedPrices(request);
  if (!request.model || !request.modelVersion || !predicted)
    throw new NotFound(`The request ${truncate(id)} is not a prediction with a price.`);
  if (predicted.isBatch && index === undefined) {
    const message = `index is required: the position of one of the ${predicted.prices.length} stones, counted from 0`;
    throw new ValidationFailed(message, { errors: [{ path: "index", message }] });
  }
  const item = index ?? 0;
  const answered = predicted.prices[item];
  if (answered === undefined)
    throw new NotFound(
      `The prediction ${truncate(id)} has no stone with the index ${item}. The highest index is ${predicted.prices.length - 1}.`,
    );
  const model = { name: request.model, version: request.modelVersion };
  return { item, predicted: answered.price, range: answered.range, model };
}
