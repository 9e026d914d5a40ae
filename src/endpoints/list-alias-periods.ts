import { contentJson } from "chanfana";
import { z } from "zod";
import { listAliasPeriods } from "../db/registry/aliases.ts";
import { findVersion } from "../db/registry/models.ts";
import { AliasPeriod } from "../domain/models/alias.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { NotFound, ValidationFailed } from "../http/errors.ts";
import { REVALIDATE } from "../http/etag.ts";
import { readImmutable, readReplica } from "../http/registry.ts";
import { createVersionNotFound, versionParams } from "../http/version-params.ts";
import { Endpoint } from "./base.ts";

const AliasPeriodsResponse = z
  .object({
    periods: z.array(AliasPeriod).meta({ description: "The newest 100 periods, newest first." }),
  })
  .meta({ id: "AliasPeriodsResponse" });

const schema = {
  operationId: "listAliasPeriods",
  tags: ["Models"],
  summary: "List the times in which a version was in use",
  description:
    "Returns the times in which an alias pointed at this version, with who moved the alias and why. The periods of `champion` show when this version was the default model.",
  request: { params: versionParams },
  responses: {
    "200": { description: "The periods.", ...contentJson(AliasPeriodsResponse) },
    ...documentErrors(NotFound, ValidationFailed, ...REGISTRY_ERRORS),
  },
};

export class ListAliasPeriods extends Endpoint {
  static override readonly method = "get";
  static override readonly path = "/v1/models/:name/versions/:version/alias-periods";
  static override readonly scope = "predict";
  static override readonly logsResponseBody = true;
  static override readonly cacheControl = REVALIDATE;
  override schema = schema;

  override async handle(c: AppContext) {
    const { params } = await this.readInput(c, schema);
    const [found, periods] = await Promise.all([
      readImmutable(c, (db) => findVersion(db, params.name, params.version)),
      readReplica(c, (db) => listAliasPeriods(db, params)),
    ]);
    if (found === null) throw createVersionNotFound(params);
    return { periods };
  }
}
