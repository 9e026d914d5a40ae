import { contentJson } from "chanfana";
import { z } from "zod";
import { listAliases } from "../db/registry/aliases.ts";
import { listNewestVersions } from "../db/registry/models.ts";
import { ModelReference, ModelSummary } from "../domain/model-record.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, REGISTRY_ERRORS } from "../http/error-responses.ts";
import { ValidationFailed } from "../http/errors.ts";
import { Endpoint } from "./base.ts";

const schema = {
  operationId: "listModels",
  tags: ["Models"],
  summary: "List the models",
  description: `The newest version of each model with its accuracy, and where the aliases point. The alias \`champion\` is the model that answers when you name none.

Of the figures, \`mae\` is the one to look at first: by how many dollars a price is off on average.`,
  responses: {
    "200": {
      description: "The models, by name.",
      ...contentJson(
        z.object({
          models: z.array(ModelSummary),
          aliases: z.record(z.string(), ModelReference).meta({
            description: "Where each alias points.",
            example: { champion: { name: "gradient-boosting", version: 1 } },
          }),
        }),
      ),
    },
    ...documentErrors(ValidationFailed, ...REGISTRY_ERRORS),
  },
};

export class ListModels extends Endpoint {
  static override readonly method = "get";
  static override readonly path = "/v1/models";
  static override readonly scope = "predict";
  override schema = schema;

  override async handle(c: AppContext) {
    await this.input(c, schema);
    const [models, aliases] = await Promise.all([listNewestVersions(c.env.DB), listAliases(c.env.DB)]);
    return {
      models,
      aliases: Object.fromEntries(aliases.map(({ alias, name, version }) => [alias, { name, version }])),
    };
  }
}
