import { contentJson } from "chanfana";
import { z } from "zod";
import { listVersions } from "../db/registry/models.ts";
import { ModelSummary } from "../domain/models/model-record.ts";
import { ModelName } from "../domain/models/model-reference.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { NotFound, ValidationFailed } from "../http/errors.ts";
import { nextField, pageQuery, toPage } from "../http/pagination.ts";
import { strictObject } from "../lib/fields.ts";
import { Endpoint } from "./base.ts";

const schema = {
  operationId: "listVersions",
  tags: ["Models"],
  summary: "List the versions of a model",
  description: "Returns all versions of a model with their accuracy, newest first, page by page.",
  request: {
    params: z.object({ name: ModelName }),
    query: strictObject("the query", pageQuery),
  },
  responses: {
    "200": {
      description: "The versions, newest first.",
      ...contentJson(z.object({ versions: z.array(ModelSummary), next: nextField })),
    },
    ...documentErrors(NotFound, ValidationFailed, ...REGISTRY_ERRORS),
  },
};

export class ListVersions extends Endpoint {
  static override readonly method = "get";
  static override readonly path = "/v1/models/:name";
  static override readonly scope = "predict";
  static override readonly logsResponseBody = true;
  override schema = schema;

  override async handle(c: AppContext) {
    const { params, query } = await this.readInput(c, schema);
    const found = await listVersions(c.env.DB, params.name, { below: query.next, limit: query.limit + 1 });
    if (found.length === 0 && query.next === undefined)
      throw new NotFound(`There is no model named ${params.name}. GET /v1/models lists all models.`);
    const { rows, next } = toPage(found, query.limit, (row) => row.version);
    return { versions: rows, next };
  }
}
