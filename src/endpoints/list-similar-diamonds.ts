import { contentJson } from "chanfana";
import { z } from "zod";
import { MEASUREMENTS, stoneFields, stoneNumber } from "../domain/diamond.ts";
import { ModelReference } from "../domain/models/model-reference.ts";
import { ModelSelector } from "../domain/models/model-selector.ts";
import {
  MAX_SIMILAR_DIAMONDS,
  SimilarDiamond,
  toSimilarDiamond,
} from "../domain/prediction/similar-diamond.ts";
import { type AppContext, logAnswer } from "../http/context.ts";
import { documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { NotFound, ValidationFailed } from "../http/errors.ts";
import { REVALIDATE } from "../http/etag.ts";
import { numberParameter } from "../http/parameters.ts";
import { similarCountParameter } from "../http/prediction-parameters.ts";
import { routingKeyHeader } from "../http/routing-key.ts";
import { findComparables } from "../inference/comparables.ts";
import { resolveModel } from "../inference/resolve-version.ts";
import { Endpoint } from "./base.ts";

const measurements = Object.fromEntries(
  MEASUREMENTS.map((name) => [
    name,
    numberParameter(stoneNumber(name))
      .optional()
      .meta({ description: "Does not matter. You can send all fields of a stone." }),
  ]),
);

const SimilarDiamondsResponse = z
  .object({
    count: z.number().int().meta({ description: "Number of stones found.", example: 5 }),
    model: ModelReference.meta({ description: "The model version that was trained on these stones." }),
    diamonds: z.array(SimilarDiamond),
  })
  .meta({ id: "SimilarDiamondsResponse" });

const schema = {
  operationId: "listSimilarDiamonds",
  tags: ["Comparable stones"],
  summary: "Find comparable diamonds with known prices",
  description: `Returns stones from the model's training data that have the same cut, colour and clarity. The stones that are nearest in weight come first. Stones with the same difference in weight are sorted by id.

Use these stones to explain a price: they are real, and their prices are known. The list has fewer than \`n\` stones, or none, if there are not enough.`,
  request: {
    query: z.object({
      carat: numberParameter(stoneFields.carat),
      cut: stoneFields.cut,
      color: stoneFields.color,
      clarity: stoneFields.clarity,
      n: similarCountParameter("n")
        .default(5)
        .meta({ description: `Maximum number of stones, from 1 to ${MAX_SIMILAR_DIAMONDS}.` }),
      model: ModelSelector,
      ...measurements,
    }),
    headers: z.object(routingKeyHeader),
  },
  responses: {
    "200": {
      description: "The comparable stones.",
      ...contentJson(SimilarDiamondsResponse),
    },
    ...documentErrors(NotFound, ValidationFailed, ...REGISTRY_ERRORS),
  },
};

export class ListSimilarDiamonds extends Endpoint {
  static override readonly method = "get";
  static override readonly path = "/v1/diamonds/similar";
  static override readonly scope = "predict";
  static override readonly logsResponseBody = true;
  static override readonly cacheControl = REVALIDATE;
  override schema = schema;

  override async handle(c: AppContext) {
    const { query } = await this.readInput(c, schema);
    const model = await resolveModel(c, query.model);
    logAnswer(c, { model });
    const [found = []] = await findComparables(c, model, [query], query.n);
    const diamonds = found.map((stone) => toSimilarDiamond(stone, query.carat));
    return { count: diamonds.length, model: { name: model.name, version: model.version }, diamonds };
  }
}
