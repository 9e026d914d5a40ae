import { contentJson } from "chanfana";
import { z } from "zod";
import { readModelRecord } from "../db/registry/models.ts";
import { ModelRecord } from "../domain/models/model-record.ts";
import { reportPath } from "../domain/routes.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { NotFound, ValidationFailed } from "../http/errors.ts";
import { IMMUTABLE } from "../http/etag.ts";
import { readImmutable } from "../http/registry.ts";
import { createVersionNotFound, versionParams } from "../http/version-params.ts";
import { Endpoint } from "./base.ts";

const schema = {
  operationId: "getVersion",
  tags: ["Models"],
  summary: "Get one version of a model",
  description: `Returns everything about a version: its training data, its settings, its accuracy, and its comparison with the champion at that time.

A version never changes. \`GET /v1/models/{name}/versions/{version}/alias-periods\` has the times in which it was in use.`,
  request: { params: versionParams },
  responses: {
    "200": {
      description: "The version.",
      ...contentJson(
        ModelRecord.extend({
          report: z.string().nullable().meta({
            description: "Path of the report with plots; null if the version has no report.",
            example: "/v1/models/log-linear/versions/1/report",
          }),
        }).meta({ id: "ModelVersion" }),
      ),
    },
    ...documentErrors(NotFound, ValidationFailed, ...REGISTRY_ERRORS),
  },
};

export class GetVersion extends Endpoint {
  static override readonly method = "get";
  static override readonly path = "/v1/models/:name/versions/:version";
  static override readonly scope = "predict";
  static override readonly logsResponseBody = true;
  static override readonly cacheControl = IMMUTABLE;
  override schema = schema;

  override async handle(c: AppContext) {
    const { params } = await this.readInput(c, schema);
    const found = await readImmutable(c, (db) => readModelRecord(db, params.name, params.version));
    if (found === undefined) throw createVersionNotFound(params);
    const { reportKey, ...record } = found;
    const report = reportKey && reportPath(record);
    return { ...record, report };
  }
}
