import { contentJson } from "chanfana";
import { z } from "zod";
import { getAlias } from "../db/registry/aliases.ts";
import { Alias, AliasMove } from "../domain/models/alias.ts";
import { ModelName } from "../domain/models/model-reference.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { NotFound, ValidationFailed } from "../http/errors.ts";
import { ETAG_HEADER, REVALIDATE, toEtag } from "../http/etag.ts";
import { nextField, pageQuery, toPage } from "../http/pagination.ts";
import { readPrimary } from "../http/registry.ts";
import { Endpoint } from "./base.ts";

const AliasResponse = z
  .object({ ...Alias.shape, history: z.array(AliasMove), next: nextField })
  .meta({ id: "AliasResponse" });

const schema = {
  operationId: "getAlias",
  tags: ["Models"],
  summary: "Get an alias and its history",
  description: `Returns the version that the alias points at, and the moves of the alias, newest first. Each move says who moved the alias, when, why, and from which version.

To change the alias, send the ETag of this response as \`If-Match\`.`,
  request: {
    params: z.object({
      alias: ModelName.meta({ description: "Name of an alias.", example: "champion" }),
    }),
    query: z.object(pageQuery),
  },
  responses: {
    "200": {
      description: "The alias and one page of its history.",
      headers: ETAG_HEADER,
      ...contentJson(AliasResponse),
    },
    ...documentErrors(NotFound, ValidationFailed, ...REGISTRY_ERRORS),
  },
};

export class GetAlias extends Endpoint {
  static override readonly method = "get";
  static override readonly path = "/v1/aliases/:alias";
  static override readonly scope = "predict";
  static override readonly logsResponseBody = true;
  static override readonly cacheControl = REVALIDATE;
  override schema = schema;

  override async handle(c: AppContext) {
    const { params, query } = await this.readInput(c, schema);
    // The revision is the ETag for the next move, so it must be the current one.
    const found = await readPrimary(c, (db) =>
      getAlias(db, params.alias, { below: query.next, limit: query.limit + 1 }),
    );
    if (found === null)
      throw new NotFound(`There is no alias named ${params.alias}. GET /v1/models lists all aliases.`);
    const { rows: history, next } = toPage(found.history, query.limit, (move) => move.revision);
    c.header("etag", toEtag(found.current.revision));
    return c.json({ ...found.current, history, next });
  }
}
