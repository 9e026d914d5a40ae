import { contentJson } from "chanfana";
import { z } from "zod";
import { moveAlias, readAliasState } from "../db/registry/aliases.ts";
import { findVersion, hasModel } from "../db/registry/models.ts";
import { ANONYMOUS } from "../domain/access.ts";
import { Alias } from "../domain/models/alias.ts";
import {
  formatVersion,
  ModelName,
  type ModelReference,
  versionField,
} from "../domain/models/model-reference.ts";
import { CHALLENGER } from "../domain/models/model-selector.ts";
import type { AppContext } from "../http/context.ts";
import { BODY_ERRORS, documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import {
  Conflict,
  type FieldError,
  PreconditionFailed,
  ServiceUnavailable,
  ValidationFailed,
} from "../http/errors.ts";
import { createPreconditionFailed, ETAG_HEADER, ifMatchHeader, matchesEtag, toEtag } from "../http/etag.ts";
import { readPrimary } from "../http/registry.ts";
import { writeRegistryCopy } from "../http/registry-copy.ts";
import { verifyModel } from "../inference/predict.ts";
import { refreshAliases } from "../inference/resolve-version.ts";
import { createFieldMessage, optionalField, Reason, strictObject } from "../lib/input/fields.ts";
import { Endpoint } from "./base.ts";

const MAX_ATTEMPTS = 5;
const shareError = createFieldMessage("share", "share must be a percentage: a whole number from 0 to 100");

const MoveAliasRequest = strictObject("the body", {
  model: versionField("model").meta({
    description: "The version that the alias will point at: a model's name and version.",
    example: "log-linear@1",
  }),
  reason: Reason,
  share: optionalField(
    z
      .number({ error: shareError })
      .int({ error: shareError })
      .min(0, { error: shareError })
      .max(100, { error: shareError }),
  ).meta({
    description:
      "With `canary`: percentage of requests that the canary answers. For the alias `challenger`: percentage of predictions that the challenger also computes. Default: 0.",
    example: 10,
  }),
  canary: optionalField(versionField("canary")).meta({
    description: "A second version, by name and version. It answers `share` percent of the requests.",
  }),
}).meta({
  id: "MoveAliasRequest",
  example: { model: "log-linear@1", reason: "compare it with the champion", share: 10 },
});
type MoveAliasRequest = z.infer<typeof MoveAliasRequest>;

const schema = {
  operationId: "moveAlias",
  tags: ["Models"],
  summary: "Promote a version or roll back",
  description: `Points an alias at a version: a newer one to promote it, an older one to roll back. If the alias does not exist, it is created. All servers use the new version within 15 seconds, and no request fails in this time. The history keeps who moved the alias and why.

**Simple call**: \`{"model": "log-linear@3", "reason": "..."}\`. If the file of the version is missing or broken, the response is a 409 and the alias does not move.

**Concurrent changes**: Send the ETag of \`GET /v1/aliases/{alias}\` as \`If-Match\`. If another caller moved the alias since then, the response is a 412 and the alias does not move.

**Canary**: With \`canary\` and \`share\`, the canary answers that percentage of the requests. The same caller always gets the same version. A caller is identified by the header \`x-facet-key\`. If it is missing, the name of the key is used, then the IP address. To end the canary, move the alias without \`canary\` and \`share\`.

**Challenger**: If you move the alias \`challenger\` with a \`share\`, the challenger also prices that percentage of the champion's single predictions. It runs after the response, and the log keeps both prices.`,
  request: {
    params: z.object({
      alias: ModelName.meta({ description: "Name of the alias, such as `champion`.", example: CHALLENGER }),
    }),
    headers: z.object(ifMatchHeader),
    body: { ...contentJson(MoveAliasRequest), required: true },
  },
  responses: {
    "200": { description: "The alias after the move.", headers: ETAG_HEADER, ...contentJson(Alias) },
    "201": { description: "The new alias.", headers: ETAG_HEADER, ...contentJson(Alias) },
    ...documentErrors(...BODY_ERRORS, Conflict, PreconditionFailed, ...REGISTRY_ERRORS),
  },
};

export class MoveAlias extends Endpoint {
  static override readonly method = "put";
  static override readonly path = "/v1/aliases/:alias";
  static override readonly scope = "admin";
  static override readonly logsResponseBody = true;
  override schema = schema;

  override async handle(c: AppContext) {
    const { params, headers, body } = await this.readInput(c, schema);
    const { alias } = params;
    assertNoFieldErrors(findConflictingFields(alias, body));
    if (await readPrimary(c, (db) => hasModel(db, alias)))
      assertNoFieldErrors([
        { path: "alias", message: `alias must not be the name of a model; a model ${alias} exists` },
      ]);
    await this.#checkVersion(c, "model", body.model);
    if (body.canary !== undefined) await this.#checkVersion(c, "canary", body.canary);

    const target = { ...body.model, share: body.share ?? null, canary: body.canary ?? null };
    const audit = { actor: c.get("requestContext").caller ?? ANONYMOUS, reason: body.reason };
    for (let attempt = 1; attempt <= MAX_ATTEMPTS; attempt++) {
      const before = await readPrimary(c, (db) => readAliasState(db, alias));
      const ifMatch = headers["if-match"];
      const revision = before.current?.revision ?? null;
      if (!matchesEtag(ifMatch, revision)) throw createPreconditionFailed(alias, revision);
      const move = await moveAlias(c.env.DB, alias, before, target, audit);
      if (move === null) continue;
      refreshAliases();
      await writeRegistryCopy(c);
      c.header("etag", toEtag(move.revision));
      const moved: Alias = { alias, ...target, revision: move.revision, updatedAt: move.at };
      return c.json(moved, before.current === null ? 201 : 200);
    }
    throw new ServiceUnavailable(`Other requests are moving ${alias}. Try again in a few seconds.`);
  }

  /** An alias must not point at a version that does not exist or cannot price a stone. */
  async #checkVersion(c: AppContext, field: string, { name, version }: ModelReference): Promise<void> {
    const found = await readPrimary(c, (db) => findVersion(db, name, version));
    if (found?.model) return verifyModel(c, found.model);
    const message = `there is no version ${formatVersion({ name, version })}; GET /v1/models/${name} lists all versions of ${name}`;
    assertNoFieldErrors([{ path: field, message }]);
  }
}

/** Checks the rules between fields, which the schema of the body cannot express. */
function findConflictingFields(alias: string, { model, share, canary }: MoveAliasRequest): FieldError[] {
  if (alias === CHALLENGER && canary !== undefined)
    return [
      { path: "canary", message: "canary is not allowed for the alias challenger: it answers no requests" },
    ];
  if (canary !== undefined && share === undefined)
    return [
      {
        path: "share",
        message: "share is required with canary: the percentage of requests that the canary answers",
      },
    ];
  if (canary !== undefined && formatVersion(canary) === formatVersion(model))
    return [{ path: "canary", message: "canary must not be the same version as model" }];
  if (share !== undefined && canary === undefined && alias !== CHALLENGER)
    return [
      {
        path: "canary",
        message: "canary is required with share: the version that answers this percentage of requests",
      },
    ];
  return [];
}

/** @throws ValidationFailed if there is an error. */
function assertNoFieldErrors(errors: FieldError[]): void {
  const [first] = errors;
  if (first !== undefined) throw new ValidationFailed(first.message, { errors });
}
