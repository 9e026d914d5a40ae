import { contentJson } from "chanfana";
import { z } from "zod";
import { listAliases } from "../db/registry/aliases.ts";
import { listNewestVersions } from "../db/registry/models.ts";
import { ModelSummary } from "../domain/models/model-record.ts";
import { ModelReference } from "../domain/models/model-reference.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { ValidationFailed } from "../http/errors.ts";
import { REVALIDATE } from "../http/etag.ts";
import { readReplica } from "../http/registry.ts";
import { Endpoint } from "./base.ts";

const ModelsResponse = z
  .object({
    models: z.array(ModelSummary),
    aliases: z.record(z.string(), ModelReference).meta({
      description: "The version that each alias points at.",
      example: { champion: { name: "gradient-boosting", version: 1 } },
    }),
  })
  .meta({ id: "ModelsResponse" });

const schema = {
  operationId: "listModels",
  tags: ["Models"],
  summary: "List the models",
  description: `Returns the newest version of each model with its accuracy, and the version that each alias points at. Requests without the parameter \`model\` use the alias \`champion\`.

To compare models, look at \`mae\` first. It is the average error of a price, in US dollars.`,
  responses: {
    "200": {
      description: "The models, sorted by name, and the aliases.",
      ...contentJson(ModelsResponse),
    },
    ...documentErrors(ValidationFailed, ...REGISTRY_ERRORS),
  },
};

export class ListModels extends Endpoint {
  static override readonly method = "get";
  static override readonly path = "/v1/models";
  static override readonly scope = "predict";
  static override readonly logsResponseBody = true;
  static override readonly cacheControl = REVALIDATE;
  override schema = schema;

  override async handle(c: AppContext) {
    await this.readInput(c, schema);
    const [models, aliases] = await readReplica(c, (db) =>
      Promise.all([listNewestVersions(db), listAliases(db)]),
    );
    return {
      models,
      aliases: Object.fromEntries(aliases.map(({ alias, name, version }) => [alias, { name, version }])),
    };
  }
}
