import { contentJson } from "chanfana";
import { z } from "zod";
import { SAMPLE_STONE } from "../domain/diamond.ts";
import { ModelReference } from "../domain/models/model-reference.ts";
import { Warning } from "../domain/prediction/warning.ts";
import { READINESS_ROUTE } from "../domain/routes.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { TooManyRequests } from "../http/errors.ts";
import { priceWithChampion } from "../inference/predict.ts";
import { Endpoint } from "./base.ts";

const ReadinessResponse = z
  .object({
    status: z.literal("ready"),
    model: ModelReference.meta({ description: "The model version that priced the sample stone." }),
    warnings: z.array(Warning).meta({
      description:
        "Not empty if an earlier version is used because the champion cannot be loaded, or if the registry does not answer and its last copy is used.",
    }),
  })
  .meta({ id: "ReadinessResponse" });

const schema = {
  operationId: "getReadiness",
  tags: ["Operation"],
  summary: "Check that the Worker can price stones",
  description:
    "Loads the champion if it is not loaded yet, verifies its file, and prices a sample stone with it.",
  responses: {
    "200": {
      description: "The Worker can price stones.",
      ...contentJson(ReadinessResponse),
    },
    ...documentErrors(TooManyRequests, ...REGISTRY_ERRORS),
  },
};

export class GetReadiness extends Endpoint {
  static override readonly method = "get";
  static override readonly path = READINESS_ROUTE;
  static override readonly scope = null;
  static override readonly logsResponseBody = true;
  override schema = schema;

  override async handle(c: AppContext) {
    const { model, warnings } = await priceWithChampion(c, [SAMPLE_STONE]);
    return { status: "ready", model: { name: model.name, version: model.version }, warnings };
  }
}
