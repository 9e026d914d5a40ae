import { contentJson } from "chanfana";
import { z } from "zod";
import { findSimilarDiamonds } from "../db/registry/diamonds.ts";
import { MEASUREMENTS, PricedStone, stoneShape } from "../domain/diamond.ts";
import { ModelReference } from "../domain/model-record.ts";
import { ModelSelector } from "../domain/model-selector.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { NotFound, ValidationFailed } from "../http/errors.ts";
import { routingKeyHeader } from "../http/routing-key.ts";
import { resolveModel } from "../inference/resolve-version.ts";
import { strictObject } from "../lib/fields.ts";
import { Endpoint } from "./base.ts";

const nError = "n must be a whole number from 1 to 100";
const ignored = z
  .unknown()
  .optional()
  .meta({ type: "string", description: "Allowed, so that a whole stone can be sent, and not looked at." });

const schema = {
  operationId: "listSimilarDiamonds",
  tags: ["Comparable stones"],
  summary: "Find comparable diamonds with known prices",
  description: `The stones that the model learned from which have the same cut, colour and clarity, nearest in weight first; stones equally near in the order of their ids.

They are the evidence behind a price: real stones whose prices are known. Where fewer than \`n\` such stones are known, you get those there are, or none.`,
  request: {
    query: strictObject("the query", {
      carat: stoneShape.carat,
      cut: stoneShape.cut,
      color: stoneShape.color,
      clarity: stoneShape.clarity,
      n: z
        .number({ error: nError })
        .int({ error: nError })
        .min(1, { error: nError })
        .max(100, { error: nError })
        .default(5)
        .meta({ description: "How many stones at most.", example: 5 }),
      model: ModelSelector,
      ...Object.fromEntries(MEASUREMENTS.map((name) => [name, ignored])),
    }),
    headers: z.object(routingKeyHeader),
  },
  responses: {
    "200": {
      description: "The stones.",
      ...contentJson(
        z.object({
          count: z.number().int().meta({ description: "How many stones were found.", example: 5 }),
          model: ModelReference.meta({ description: "The model whose training stones these are." }),
          diamonds: z.array(
            z
              .object({
                id: z.string().meta({ description: "Id of the stone.", example: "9f2c4b1e8a90d3f7" }),
                ...PricedStone.shape,
                weightDifference: z.number().nonnegative().meta({
                  description: "Difference in weight from the stone asked about, in carats.",
                  example: 0.01,
                }),
              })
              .meta({ id: "SimilarDiamond" }),
          ),
        }),
      ),
    },
    ...documentErrors(NotFound, ValidationFailed, ...REGISTRY_ERRORS),
  },
};

export class ListSimilarDiamonds extends Endpoint {
  static override readonly method = "get";
  static override readonly path = "/v1/diamonds/similar";
  static override readonly scope = "predict";
  override schema = schema;

  override async handle(c: AppContext) {
    const { query } = await this.input(c, schema);
    const model = await resolveModel(c, query.model);
    const { results } = await findSimilarDiamonds(c.env.DB, model, query, query.n);
    const diamonds = results.map((stone) => ({
      ...stone,
      weightDifference: Math.round(Math.abs(stone.carat - query.carat) * 1e6) / 1e6,
    }));
    return { count: diamonds.length, model: { name: model.name, version: model.version }, diamonds };
  }
}
