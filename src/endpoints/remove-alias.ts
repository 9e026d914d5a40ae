import { contentJson } from "chanfana";
import { z } from "zod";
import { moveAlias, readAliasState } from "../db/registry/aliases.ts";
import { AliasMove } from "../domain/alias.ts";
import { CHALLENGER, CHAMPION, ModelName } from "../domain/model-selector.ts";
import type { AppContext } from "../http/context.ts";
import { BODY_ERRORS, documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { Conflict, NotFound, PreconditionFailed } from "../http/errors.ts";
import { ifMatchHeader, matchesEtag, preconditionFailed } from "../http/etag.ts";
import { refreshAliases } from "../inference/resolve-version.ts";
import { Reason, strictObject } from "../lib/fields.ts";
import { Endpoint } from "./base.ts";

const schema = {
  operationId: "removeAlias",
  tags: ["Models"],
  summary: "Take an alias away",
  description:
    "Ends the shadowing of a challenger, or any other alias but `champion`. The version that it pointed at stays, and so does the history.",
  request: {
    params: z.object({
      alias: ModelName.meta({ description: "Name of the alias.", example: CHALLENGER }),
    }),
    headers: z.object(ifMatchHeader),
    body: { ...contentJson(strictObject("the body", { reason: Reason })), required: true },
  },
  responses: {
    "200": { description: "The last move of the alias.", ...contentJson(AliasMove) },
    ...documentErrors(...BODY_ERRORS, NotFound, Conflict, PreconditionFailed, ...REGISTRY_ERRORS),
  },
};

export class RemoveAlias extends Endpoint {
  static override readonly method = "delete";
  static override readonly path = "/v1/aliases/:alias";
  static override readonly scope = "admin";
  override schema = schema;

  override async handle(c: AppContext) {
    const { params, headers, body } = await this.input(c, schema);
    const { alias } = params;
    if (alias === CHAMPION)
      throw new Conflict("The champion answers those who name no model: point it elsewhere instead.");
    const before = await readAliasState(c.env.DB, alias);
    if (before.current === null)
      throw new NotFound(`There is no alias named ${alias}. GET /v1/models lists them.`);
    if (!matchesEtag(headers["if-match"], before.current.revision))
      throw preconditionFailed(alias, before.current.revision);
    const why = { actor: c.var.requestContext.caller ?? "unknown", reason: body.reason };
    const move = await moveAlias(c.env.DB, alias, before, null, why);
    if (move === null) throw preconditionFailed(alias, before.current.revision);
    refreshAliases();
    return move;
  }
}
