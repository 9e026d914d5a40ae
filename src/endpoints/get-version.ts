import { contentJson } from "chanfana";
import { z } from "zod";
import { listReigns } from "../db/registry/aliases.ts";
import { getRecord } from "../db/registry/models.ts";
import { ModelRecord, Reign } from "../domain/model-record.ts";
import type { AppContext } from "../http/context.ts";
import { documented, OF_REGISTRY } from "../http/error-responses.ts";
import { InvalidInput, NotFound } from "../http/errors.ts";
import { noVersion, versionParams } from "../http/version-params.ts";
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
          reigns: z.array(Reign).meta({ description: "When which alias pointed at it, newest first." }),
        }).meta({ id: "ModelVersion" }),
      ),
    },
    ...documented(NotFound, InvalidInput, ...OF_REGISTRY),
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
      getRecord(c.env.DB, params.name, params.version),
      listReigns(c.env.DB, params),
    ]);
    if (found === undefined) throw noVersion(params);
    const { reportKey, ...record } = found;
    const report = reportKey && `/v1/models/${record.name}/versions/${record.version}/report`;
    return { ...record, report, reigns };
  }
}
