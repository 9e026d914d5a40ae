import { contentJson } from "chanfana";
import { z } from "zod";
import { moveAlias, readAliasState } from "../db/registry/aliases.ts";
import { ANONYMOUS } from "../domain/access.ts";
import { AliasMove } from "../domain/models/alias.ts";
import { ModelName } from "../domain/models/model-reference.ts";
import { CHALLENGER, CHAMPION } from "../domain/models/model-selector.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { Conflict, NotFound, PreconditionFailed, ValidationFailed } from "../http/errors.ts";
import { createPreconditionFailed, ifMatchHeader, matchesEtag } from "../http/etag.ts";
import { readPrimary } from "../http/registry.ts";
import { writeRegistryCopy } from "../http/registry-copy.ts";
import { refreshAliases } from "../inference/resolve-version.ts";
import { ReasonParameter } from "../lib/input/fields.ts";
import { Endpoint } from "./base.ts";

const schema = {
  operationId: "removeAlias",
  tags: ["Models"],
  summary: "Remove an alias",
  description:
    "Removes an alias. The alias `champion` cannot be removed. To stop shadow predictions, remove the alias `challenger`. The model version and the history of the alias are kept.",
  request: {
    params: z.object({
      alias: ModelName.meta({ description: "Name of the alias.", example: CHALLENGER }),
    }),
    query: z.object({ reason: ReasonParameter }),
    headers: z.object(ifMatchHeader),
  },
  responses: {
    "200": { description: "The alias is removed. The body is its last move.", ...contentJson(AliasMove) },
    ...documentErrors(ValidationFailed, NotFound, Conflict, PreconditionFailed, ...REGISTRY_ERRORS),
  },
};

export class RemoveAlias extends Endpoint {
  static override readonly method = "delete";
  static override readonly path = "/v1/aliases/:alias";
  static override readonly scope = "admin";
  static override readonly logsResponseBody = true;
  override schema = schema;

  override async handle(c: AppContext) {
    const { params, headers, query } = await this.readInput(c, schema);
    const { alias } = params;
    if (alias === CHAMPION)
      throw new Conflict(
        "The alias champion cannot be removed: requests without a model use it. Move it to another version.",
      );
    const before = await readPrimary(c, (db) => readAliasState(db, alias));
    if (before.current === null)
      throw new NotFound(`There is no alias named ${alias}. GET /v1/models lists all aliases.`);
    if (!matchesEtag(headers["if-match"], before.current.revision))
      throw createPreconditionFailed(alias, before.current.revision);
    const audit = { actor: c.get("requestContext").caller ?? ANONYMOUS, reason: query.reason };
    const move = await moveAlias(c.env.DB, alias, before, null, audit);
    if (move === null) throw createPreconditionFailed(alias, before.current.revision);
    refreshAliases();
    await writeRegistryCopy(c);
    return move;
  }
}
