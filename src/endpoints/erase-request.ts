import { contentJson } from "chanfana";
import { z } from "zod";
import type { AppContext } from "../http/context.ts";
import { documentErrors, documentRetry, LOG_ERRORS } from "../http/error-responses.ts";
import { NotFound, ValidationFailed } from "../http/errors.ts";
import { eraseRequest } from "../request-log/erase.ts";
import { createRequestNotFound } from "../request-log/read/find-request.ts";
import { waitForWrite } from "../request-log/write/pending-writes.ts";
import { Endpoint } from "./base.ts";

const ErasedData = z
  .object({
    row: z.boolean().meta({ description: "Whether its record was in the log." }),
    bodies: z.boolean().meta({ description: "Whether its bodies were in the bucket." }),
    deadLetter: z.boolean().meta({ description: "Whether its record was in the dead letters." }),
    archived: z.boolean().meta({ description: "Whether its record was in the archive." }),
    outcomes: z.number().int().meta({ description: "Number of deleted outcomes." }),
  })
  .meta({
    id: "ErasedData",
    description: "The data that this call found and deleted, without what was deleted before or after it.",
  });

const ErasureResponse = z
  .object({
    id: z.string().meta({ description: "Id of the request." }),
    complete: z.boolean().meta({ description: "Whether everything is deleted." }),
    remaining: z.number().int().min(0).meta({
      description:
        "Number of requests that are still to be erased: the request itself, and the requests that reported outcomes of its stones. 0 if the erasure is complete.",
    }),
    erased: ErasedData,
  })
  .meta({ id: "ErasureResponse" });

const schema = {
  operationId: "eraseRequest",
  tags: ["Log"],
  summary: "Erase a request",
  description: `Deletes all data of a request, for example because a person asks for it:

- its record in the log, in the archive, and in the dead letters,
- its request body and response body,
- the outcomes of its stones, and the requests that reported these outcomes,
- the outcome, if the request itself reported one.

If the record is not in the log yet, it will not be written. The hourly counts of requests do not change.

The answer is 202 if the call could not delete everything, because there are many outcomes or because the archive is being written. The request can no longer be read then, its record in the log and its bodies are deleted, and the rest is deleted within minutes, without another call. Another call continues at once. It answers 200 or 202 while something is left, and 404 afterwards.`,
  request: {
    params: z.object({
      id: z.string().min(1).max(64, { error: "id must have at most 64 characters" }).meta({
        description: "Id of the request: the header `x-request-id` of its answer.",
        example: "019ab2f0-6d1c-7a55-9f3e-2b7c4d1e8a90",
      }),
    }),
  },
  responses: {
    "200": {
      description: "The request is erased.",
      ...contentJson(ErasureResponse),
    },
    "202": {
      description: "The erasure has begun and will be completed.",
      ...contentJson(ErasureResponse),
    },
    ...documentRetry(documentErrors(NotFound, ValidationFailed, ...LOG_ERRORS)),
  },
};

export class EraseRequest extends Endpoint {
  static override readonly method = "delete";
  static override readonly path = "/v1/requests/:id";
  static override readonly scope = "admin";
  static override readonly logsResponseBody = true;
  override schema = schema;

  override async handle(c: AppContext) {
    const { params } = await this.readInput(c, schema);
    await waitForWrite(params.id);
    const { erased, remaining, isNew } = await eraseRequest(c.env, params.id);
    const isComplete = remaining === 0;
    const hasErased = Object.values(erased).some(Boolean);
    // An erasure that an earlier call began may have nothing left to delete.
    if (isComplete && isNew && !hasErased) throw createRequestNotFound("request", params.id);
    return c.json({ id: params.id, complete: isComplete, remaining, erased }, isComplete ? 200 : 202);
  }
}
