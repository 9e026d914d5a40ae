import { contentJson } from "chanfana";
import { z } from "zod";
import { findBeforeMove, moveAlias } from "../db/registry/aliases.ts";
import { AliasMove } from "../domain/alias.ts";
import { CHALLENGER, CHAMPION, ModelName } from "../domain/model-selector.ts";
import type { AppContext } from "../http/context.ts";
import { documented, OF_BODY, OF_REGISTRY } from "../http/error-responses.ts";
import { Conflict, NotFound, PreconditionFailed } from "../http/errors.ts";
import { ifMatchHeader, matches, overtaken } from "../http/etag.ts";
import { refreshPointers } from "../inference/resolve-version.ts";
import { Reason, strictFields } from "../lib/fields.ts";
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
    body: { ...contentJson(strictFields("the body", { reason: Reason })), required: true },
  },
  responses: {
    "200": { description: "The last move of the alias.", ...contentJson(AliasMove) },
    ...documented(...OF_BODY, NotFound, Conflict, PreconditionFailed, ...OF_REGISTRY),
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
    const before = await findBeforeMove(c.env.DB, alias);
    if (before.current === null)
      throw new NotFound(`There is no alias named ${alias}. GET /v1/models lists them.`);
    if (!matches(headers["if-match"], before.current.revision))
      throw overtaken(alias, before.current.revision);
    const why = { actor: c.var.exchange.caller ?? "unknown", reason: body.reason };
    const move = await moveAlias(c.env.DB, alias, before, null, why);
    if (move === null) throw overtaken(alias, before.current.revision);
    refreshPointers();
    return move;
  }
}
