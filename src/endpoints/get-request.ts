import { contentJson } from "chanfana";
import { z } from "zod";
import { listOutcomes } from "../db/request-log/outcomes.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, LOG_ERRORS } from "../http/error-responses.ts";
import { NotFound, ValidationFailed } from "../http/errors.ts";
import { LogEntry, toEntry } from "../request-log/read/entry.ts";
import { findRequest } from "../request-log/read/find-request.ts";
import { Endpoint } from "./base.ts";

const Outcome = z
  .object({
    id: z.string(),
    at: z.iso.datetime().meta({ description: "When it was told." }),
    index: z.number().int().meta({ description: "Which stone of a batch, counted from 0." }),
    price: z.number().meta({ description: "US dollars." }),
    soldAt: z.string().nullable(),
    caller: z.string().nullable(),
  })
  .meta({ id: "Outcome", description: "What a stone really sold for." });

const schema = {
  operationId: "getRequest",
  tags: ["Log"],
  summary: "Show a request and its response in full",
  description:
    "With both bodies as they were. The id is the one that every answer carries as `x-request-id`, and a prediction as `id`. It takes a moment after an answer until its request is there. The status 499 is of a client that had gone before its answer.",
  request: {
    params: z.object({
      id: z.string().min(1).meta({
        description: "Id of a request.",
        example: "019ab2f0-6d1c-7a55-9f3e-2b7c4d1e8a90",
      }),
    }),
  },
  responses: {
    "200": {
      description: "The request.",
      ...contentJson(
        LogEntry.extend({
          requestBody: z.string().nullable().meta({
            description:
              "As it came; its beginning where the request was refused before it mattered whose it was; null where there was none.",
          }),
          responseBody: z.string().nullable().meta({
            description:
              "As it was answered; null where there was none, for answers about the log, and for those that are the same for everybody.",
          }),
          outcomes: z.array(Outcome).meta({
            description: "What its stones sold for, newest first; of each stone the newest counts.",
          }),
        }),
      ),
    },
    ...documentErrors(NotFound, ValidationFailed, ...LOG_ERRORS),
  },
};

export class GetRequest extends Endpoint {
  static override readonly method = "get";
  static override readonly path = "/v1/requests/:id";
  static override readonly scope = "admin";
  override schema = schema;

  override async handle(c: AppContext) {
    c.var.requestContext.logsResponseBody = false;
    const { params } = await this.input(c, schema);
    const found = await findRequest(c.env, params.id);
    if (found === null) throw new NotFound(`There is no request ${params.id.slice(0, 100)} in the log.`);
    const outcomes = await listOutcomes(c.env.LOG_DB, found.id);
    return {
      ...toEntry(found),
      requestBody: found.requestBody,
      responseBody: found.responseBody,
      outcomes: outcomes.map(({ id, at, item, price, soldAt, caller }) => ({
        id,
        at: new Date(at).toISOString(),
        index: item,
        price,
        soldAt,
        caller,
      })),
    };
  }
}
