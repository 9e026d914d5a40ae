import { contentJson } from "chanfana";
import { z } from "zod";
import { moveAlias, readAliasState } from "../db/registry/aliases.ts";
import { findVersion, hasModel } from "../db/registry/models.ts";
import { Alias } from "../domain/alias.ts";
import type { ModelReference } from "../domain/model-record.ts";
import { CHALLENGER, formatVersion, ModelName, versionField } from "../domain/model-selector.ts";
import type { AppContext } from "../http/context.ts";
import { BODY_ERRORS, documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import {
  Conflict,
  type FieldError,
  PreconditionFailed,
  ServiceUnavailable,
  ValidationFailed,
} from "../http/errors.ts";
import { ETAG, ifMatchHeader, matchesEtag, preconditionFailed, toEtag } from "../http/etag.ts";
import { checkUsable } from "../inference/predict.ts";
import { refreshAliases } from "../inference/resolve-version.ts";
import { Reason, strictObject } from "../lib/fields.ts";
import { Endpoint } from "./base.ts";

const ATTEMPTS = 5;
const shareError = "share must be a whole number of percent from 0 to 100";

const Move = strictObject("the body", {
  model: versionField("model").meta({ description: "Where the alias is to point: a name and a version." }),
  reason: Reason,
  share: z
    .number({ error: shareError })
    .int({ error: shareError })
    .min(0, { error: shareError })
    .max(100, { error: shareError })
    .optional()
    .meta({
      description:
        "Percent of predictions that `canary` answers; of the alias `challenger`, those that it prices in the shadow. Left out: none.",
      example: 10,
    }),
  canary: versionField("canary").optional().meta({
    description: "A second version, which answers the share of predictions.",
    example: "log-linear@4",
  }),
});
type Move = z.infer<typeof Move>;

const schema = {
  operationId: "moveAlias",
  tags: ["Models"],
  summary: "Promote a version, or roll back",
  description: `Points an alias at a version, old or new, and makes the alias where there is none. Every server follows within 15 seconds, and no request fails meanwhile. The history keeps who did it and why.

**One call is enough**: \`{"model": "log-linear@3", "reason": "..."}\`. To be sure that nobody else moves it at the same time, send the ETag of \`GET /v1/aliases/{alias}\` as \`If-Match\`.

**Canary**: with \`canary\` and \`share\`, that percentage of requests is answered by the canary, and the same caller always by the same version. Callers are told apart by the header \`x-facet-key\`, or by their key's name, or by their address. To end it, move the alias without them.

**Challenger**: the alias \`challenger\` with a \`share\` prices that percentage of the champion's single predictions as well, after the answer; the log keeps both prices.

A version whose file is missing or broken is refused.`,
  request: {
    params: z.object({
      alias: ModelName.meta({ description: "Name of the alias.", example: "champion" }),
    }),
    headers: z.object(ifMatchHeader),
    body: { ...contentJson(Move), required: true },
  },
  responses: {
    "200": { description: "The alias as it is now.", headers: ETAG, ...contentJson(Alias) },
    "201": { description: "The alias, which is new.", headers: ETAG, ...contentJson(Alias) },
    ...documentErrors(...BODY_ERRORS, Conflict, PreconditionFailed, ...REGISTRY_ERRORS),
  },
};

export class MoveAlias extends Endpoint {
  static override readonly method = "put";
  static override readonly path = "/v1/aliases/:alias";
  static override readonly scope = "admin";
  override schema = schema;

  override async handle(c: AppContext) {
    const { params, headers, body } = await this.input(c, schema);
    const { alias } = params;
    refuse(inconsistencies(alias, body));
    if (await hasModel(c.env.DB, alias))
      refuse([{ path: "alias", message: `${alias} is the name of a model already` }]);
    await this.#checkVersion(c, "model", body.model);
    if (body.canary !== undefined) await this.#checkVersion(c, "canary", body.canary);

    const to = { ...body.model, share: body.share ?? null, canary: body.canary ?? null };
    const why = { actor: c.var.requestContext.caller ?? "unknown", reason: body.reason };
    for (let attempt = 1; attempt <= ATTEMPTS; attempt++) {
      const before = await readAliasState(c.env.DB, alias);
      const ifMatch = headers["if-match"];
      const revision = before.current?.revision ?? null;
      if (!matchesEtag(ifMatch, revision)) throw preconditionFailed(alias, revision);
      const move = await moveAlias(c.env.DB, alias, before, to, why);
      if (move === null) continue;
      refreshAliases();
      c.header("etag", toEtag(move.revision));
      const now: Alias = { alias, ...to, revision: move.revision, updatedAt: move.at };
      return c.json(now, before.current === null ? 201 : 200);
    }
    throw new ServiceUnavailable(`${alias} is being moved by others. Try again in a few seconds.`);
  }

  /** Nothing is pointed at that cannot price a stone. */
  async #checkVersion(c: AppContext, field: string, { name, version }: ModelReference): Promise<void> {
    const found = await findVersion(c.env.DB, name, version);
    if (found?.model) return checkUsable(c, found.model);
    const message = `there is no version ${formatVersion({ name, version })}; GET /v1/models/${name} lists those of ${name}`;
    refuse([{ path: field, message }]);
  }
}

/** What does not go together. */
function inconsistencies(alias: string, { model, share, canary }: Move): FieldError[] {
  if (alias === CHALLENGER && canary !== undefined)
    return [{ path: "canary", message: "a challenger has no canary: nobody is answered by it" }];
  if (canary !== undefined && share === undefined)
    return [
      { path: "share", message: "share is required with canary: percent of predictions that it answers" },
    ];
  if (canary !== undefined && formatVersion(canary) === formatVersion(model))
    return [{ path: "canary", message: "canary must be another version than model" }];
  if (share !== undefined && canary === undefined && alias !== CHALLENGER)
    return [{ path: "canary", message: "canary is required with share: the version that answers it" }];
  return [];
}

function refuse(errors: FieldError[]): void {
  const [first] = errors;
  if (first !== undefined) throw new ValidationFailed(first.message, { errors });
}
