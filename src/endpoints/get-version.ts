import { contentJson } from "chanfana";
import { z } from "zod";
import { listAliasPeriods } from "../db/registry/aliases.ts";
import { readModelRecord } from "../db/registry/models.ts";
import { AliasPeriod, ModelRecord } from "../domain/model-record.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { NotFound, ValidationFailed } from "../http/errors.ts";
import { versionNotFound, versionParams } from "../http/version-params.ts";
import { Endpoint } from "./base.ts";

const schema = {
  operationId: "getVersion",
  tags: ["Models"],
  summary: "Show one version of a model in full",
  description: `Where a price came from: data, settings, accuracy, and how the version was judged.

\`reigns\` says when which alias pointed at it: with \`champion\` among them, which model priced a stone on which day.`,
  request: { params: versionParams },
  responses: {
    "200": {
      description: "The version.",
      ...contentJson(
        ModelRecord.extend({
          report: z.string().nullable().meta({
            description: "Where its report with plots is; null where it has none.",
            example: "/v1/models/log-linear/versions/1/report",
          }),
          reigns: z.array(AliasPeriod).meta({ description: "When which alias pointed at it, newest first." }),
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
  override schema = schema;

  override async handle(c: AppContext) {
    const { params } = await this.input(c, schema);
    const [found, reigns] = await Promise.all([
      readModelRecord(c.env.DB, params.name, params.version),
      listAliasPeriods(c.env.DB, params),
    ]);
    if (found === undefined) throw versionNotFound(params);
    const { reportKey, ...record } = found;
    const report = reportKey && `/v1/models/${record.name}/versions/${record.version}/report`;
    return { ...record, report, reigns };
  }
}
