import { contentJson } from "chanfana";
import { z } from "zod";
import { ModelReference } from "../domain/model-record.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { TooManyRequests } from "../http/errors.ts";
import { priceByChampion, SAMPLE_STONE } from "../inference/predict.ts";
import { Endpoint } from "./base.ts";

const schema = {
  operationId: "getReadiness",
  tags: ["Operation"],
  summary: "Can the Worker price stones?",
  description:
    "Loads the champion where it is not loaded yet, checks that its file is the published one, and prices a stone with it.",
  responses: {
    "200": {
      description: "Ready.",
      ...contentJson(
        z.object({
          status: z.literal("ready"),
          model: ModelReference.meta({ description: "The model that answers." }),
          warnings: z.array(z.string()).meta({
            description: "Not empty where an earlier version stands in for the champion.",
          }),
        }),
      ),
    },
    ...documentErrors(TooManyRequests, ...REGISTRY_ERRORS),
  },
};

export class GetReadiness extends Endpoint {
  static override readonly method = "get";
  static override readonly path = "/ready";
  static override readonly scope = null;
  override schema = schema;

  override async handle(c: AppContext) {
    const { model, warnings } = await priceByChampion(c, [SAMPLE_STONE]);
    return { status: "ready", model: { name: model.name, version: model.version }, warnings };
  }
}
