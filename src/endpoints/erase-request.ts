import { contentJson } from "chanfana";
import { z } from "zod";
import type { AppContext } from "../http/context.ts";
import { documentErrors, LOG_ERRORS } from "../http/error-responses.ts";
import { NotFound, ServiceUnavailable, ValidationFailed } from "../http/errors.ts";
import { eraseRequest } from "../request-log/erase.ts";
import { Endpoint } from "./base.ts";

const schema = {
  operationId: "forgetRequest",
  tags: ["Log"],
  summary: "Forget a request",
  description:
    "Deletes everything that is kept of a request, wherever it lies: for a person who asks for it. Outcomes of its stones go with it, and the requests that told them; of a request that told an outcome, that outcome. Should its record still be on its way, it is not kept either. Traffic that it was counted in stays counted.",
  request: {
    params: z.object({
      id: z
        .string()
        .min(1)
        .max(64, { error: "an id has at most 64 characters" })
        .meta({ description: "Id of a request.", example: "019ab2f0-6d1c-7a55-9f3e-2b7c4d1e8a90" }),
    }),
  },
  responses: {
    "200": {
      description: "Forgotten.",
      ...contentJson(
        z.object({
          id: z.string(),
          forgotten: z
            .object({
              row: z.boolean().meta({ description: "Its row in the log." }),
              bodies: z.boolean().meta({ description: "Its bodies in the bucket." }),
              deadLetter: z.boolean().meta({ description: "Its record that was not in the log yet." }),
              archived: z.boolean().meta({ description: "Its row in the archive." }),
              outcomes: z.number().int().meta({
                description: "How many outcomes: those of its stones, and the one that it told.",
              }),
            })
            .meta({ description: "What there was of it." }),
        }),
      ),
    },
    ...documentErrors(NotFound, ValidationFailed, ...LOG_ERRORS),
  },
};

export class EraseRequest extends Endpoint {
  static override readonly method = "delete";
  static override readonly path = "/v1/requests/:id";
  static override readonly scope = "admin";
  override schema = schema;

  override async handle(c: AppContext) {
    const { params } = await this.input(c, schema);
    const forgotten = await eraseRequest(c.env, params.id);
    if (forgotten === null)
      throw new ServiceUnavailable("The archive is being written. Try again in half an hour at the latest.");
    if (!Object.values(forgotten).some(Boolean))
      throw new NotFound(`There is no request ${params.id.slice(0, 100)} in the log.`);
    return { id: params.id, forgotten };
  }
}
