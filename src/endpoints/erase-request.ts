import { contentJson } from "chanfana";
import { z } from "zod";
import type { AppContext } from "../http/context.ts";
import { documentErrors, documentRetry, LOG_ERRORS } from "../http/error-responses.ts";
import { NotFound, ServiceUnavailable, ValidationFailed } from "../http/errors.ts";
import { eraseRequest } from "../request-log/erase.ts";
import { createRequestNotFound } from "../request-log/read/find-request.ts";
import { waitForWrite } from "../request-log/write/pending-writes.ts";
import { Endpoint } from "./base.ts";

/** Writing the archive usually takes less than this. */
const ARCHIVE_RETRY_SECONDS = 60;

const ErasedData = z
  .object({
    row: z.boolean().meta({ description: "Whether its record was in the log." }),
    bodies: z.boolean().meta({ description: "Whether its bodies were in the bucket." }),
    deadLetter: z.boolean().meta({ description: "Whether its record was in the dead letters." }),
    archived: z.boolean().meta({ description: "Whether its record was in the archive." }),
    outcomes: z.number().int().meta({ description: "Number of deleted outcomes." }),
  })
  .meta({ id: "ErasedData", description: "The data that was found and deleted." });

const ErasureResponse = z
  .object({ id: z.string().meta({ description: "Id of the request." }), erased: ErasedData })
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

If the record is not in the log yet, it will not be written. The hourly counts of requests do not change.`,
  request: {
    params: z.object({
      id: z
        .string()
        .min(1)
        .max(64, { error: "id must have at most 64 characters" })
        .meta({ description: "Id of a request.", example: "019ab2f0-6d1c-7a55-9f3e-2b7c4d1e8a90" }),
    }),
  },
  responses: {
    "200": {
      description: "The request is erased.",
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
    const erased = await eraseRequest(c.env, params.id);
    if (erased === null)
      throw new ServiceUnavailable(
        "The archive is being written. This can take up to 30 minutes. Try again later.",
        undefined,
        ARCHIVE_RETRY_SECONDS,
      );
    if (!Object.values(erased).some(Boolean)) throw createRequestNotFound("request", params.id);
    return { id: params.id, erased };
  }
}
