import { contentJson } from "chanfana";
import { z } from "zod";
import { listVersions } from "../db/registry/models.ts";
import { ModelSummary } from "../domain/models/model-record.ts";
import { ModelName } from "../domain/models/model-reference.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { NotFound, ValidationFailed } from "../http/errors.ts";
import { REVALIDATE } from "../http/etag.ts";
import { nextField, pageQuery, toPage } from "../http/pagination.ts";
import { readImmutable } from "../http/registry.ts";
import { Endpoint } from "./base.ts";

const VersionsResponse = z
  .object({ versions: z.array(ModelSummary), next: nextField })
  .meta({ id: "VersionsResponse" });

const schema = {
  operationId: "listVersions",
  tags: ["Models"],
  summary: "List the versions of a model",
  description: "Returns all versions of a model with their accuracy, newest first, page by page.",
  request: {
    params: z.object({ name: ModelName }),
    query: z.object(pageQuery),
  },
  responses: {
    "200": {
      description: "The versions, newest first.",
      ...contentJson(VersionsResponse),
    },
    ...documentErrors(NotFound, ValidationFailed, ...REGISTRY_ERRORS),
  },
};

export class ListVersions extends Endpoint {
  static override readonly method = "get";
  static override readonly path = "/v1/models/:name";
  static override readonly scope = "predict";
  static override readonly logsResponseBody = true;
  static override readonly cacheControl = REVALIDATE;
  override schema = schema;

  override async handle(c: AppContext) {
    const { params, query } = await this.readInput(c, schema);
    const found = await readImmutable(
      c,
      (db) => listVersions(db, params.name, { below: query.next, limit: query.limit + 1 }),
      (versions) => versions.length === 0,
    );
    if (found.length === 0 && query.next === undefined)
      throw new NotFound(`There is no model named ${params.name}. GET /v1/models lists all models.`);
    const { rows, next } = toPage(found, query.limit, (row) => row.version);
    return { versions: rows, next };
  }
}
