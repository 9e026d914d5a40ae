import { contentJson } from "chanfana";
import { z } from "zod";
import { searchRequests } from "../db/request-log/search.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, LOG_ERRORS } from "../http/error-responses.ts";
import { ValidationFailed } from "../http/errors.ts";
import { cursorField, limitField, nextField } from "../http/pagination.ts";
import { filterFields, toRequestFilter } from "../http/request-filters.ts";
import { LogEntry, toEntry } from "../request-log/read/entry.ts";
import { Endpoint } from "./base.ts";

const RequestsResponse = z
  .object({ requests: z.array(LogEntry), next: nextField })
  .meta({ id: "RequestsResponse" });

const schema = {
  operationId: "listRequests",
  tags: ["Log"],
  summary: "Search the request log",
  description: `Returns the requests that match all filters, newest first. \`GET /v1/requests/export\` returns all of them as one file.

**Short pages**: A page checks a limited number of requests, so it is fast for a log of any size. A page is always full with one of these filters: \`route\`, \`model\`, \`caller\`, \`status\` (except 200 and 2xx), \`minDuration\` (from 16), or a time range. With \`path\` or with two filters, a page checks only 600 requests. The page can then be short or empty although \`next\` is not null: continue with \`next\`. To find old requests with fewer pages, add a time range or another filter. A page also ends with the row that reaches a megabyte of text, which only rows of earlier versions do.

**Archive**: Requests older than the retention period (\`LOG_RETENTION_DAYS\`) are in the archive. The list does not contain them. \`GET /v1/requests/{id}\` finds them by id.`,
  request: {
    query: z.object({
      ...filterFields,
      limit: limitField(200, 50),
      next: cursorField(/^before-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, (id) => id),
    }),
  },
  responses: {
    "200": { description: "The requests, newest first.", ...contentJson(RequestsResponse) },
    ...documentErrors(ValidationFailed, ...LOG_ERRORS),
  },
};

export class ListRequests extends Endpoint {
  static override readonly method = "get";
  static override readonly path = "/v1/requests";
  static override readonly scope = "admin";
  override schema = schema;

  override async handle(c: AppContext) {
    const { query } = await this.readInput(c, schema);
    const { limit, next, ...filters } = query;
    const { rows, before } = await searchRequests(c.env.LOG_DB, toRequestFilter(filters), {
      before: next,
      limit,
    });
    return { requests: rows.map(toEntry), next: before && `before-${before}` };
  }
}
