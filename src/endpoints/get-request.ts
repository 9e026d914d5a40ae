import { contentJson } from "chanfana";
import { z } from "zod";
import { listOutcomes } from "../db/request-log/outcomes.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, documentRetry, LOG_ERRORS } from "../http/error-responses.ts";
import { NotFound, ValidationFailed } from "../http/errors.ts";
import { REVALIDATE } from "../http/etag.ts";
import { LogEntry, toEntry } from "../request-log/read/entry.ts";
import { createRequestNotFound, findRequest } from "../request-log/read/find-request.ts";
import { Endpoint } from "./base.ts";

const Outcome = z
  .object({
    id: z.string(),
    at: z.iso.datetime().meta({ description: "When the outcome was reported." }),
    index: z.number().int().meta({ description: "Position of the stone in the batch, counted from 0." }),
    price: z.number().meta({ description: "Sale price in US dollars." }),
    soldAt: z.string().nullable(),
    caller: z.string().nullable(),
  })
  .meta({ id: "Outcome", description: "The sale price of a stone." });

const RequestResponse = LogEntry.extend({
  requestBody: z.string().nullable().meta({
    description:
      "The body as the client sent it; null if there was none. Only the beginning is kept of a request that was refused because of its key, scope, path, method or rate. Without a valid key, where one is needed, a row keeps about 100 bytes of path, user agent, query and body together: the body is cut, or null if there is no room.",
  }),
  responseBody: z.string().nullable().meta({
    description:
      "The body as it was sent to the client; null if there was none. It is not kept (null) for responses about the log and for responses that are the same for everybody, and without a valid key, where one is needed, unless it is very short: status and path say what a refusal said.",
  }),
  outcomes: z.array(Outcome).meta({
    description: "Sale prices of its stones, newest first. For each stone, the newest one counts.",
  }),
}).meta({ id: "RequestResponse" });

const schema = {
  operationId: "getRequest",
  tags: ["Log"],
  summary: "Get a request and its response",
  description: `Returns a request from the log, with the bodies of the request and the response. The id is in the header \`x-request-id\` of every response, and in the field \`id\` of a prediction.

A request that another server has just answered can take a few seconds to appear: the 404 then has the header \`Retry-After\`. A request that only repeats another one (refused by the same rate limit within a minute, or more than 200 in a minute to \`/health\`) has no entry: the first one counts it in \`repeats\`. The status 499 means that the client closed the connection before the response.`,
  request: {
    params: z.object({
      id: z.string().min(1).meta({
        description: "Id of the request: the header `x-request-id` of its answer.",
        example: "019ab2f0-6d1c-7a55-9f3e-2b7c4d1e8a90",
      }),
    }),
  },
  responses: {
    "200": {
      description: "The request.",
      ...contentJson(RequestResponse),
    },
    ...documentRetry(documentErrors(NotFound, ValidationFailed, ...LOG_ERRORS)),
  },
};

export class GetRequest extends Endpoint {
  static override readonly method = "get";
  static override readonly path = "/v1/requests/:id";
  static override readonly scope = "admin";
  static override readonly cacheControl = REVALIDATE;
  override schema = schema;

  override async handle(c: AppContext) {
    const { params } = await this.readInput(c, schema);
    const found = await findRequest(c.env, params.id);
    if (found === null) throw createRequestNotFound("request", params.id);
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
