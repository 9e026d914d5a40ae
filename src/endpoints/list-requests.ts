import { contentJson } from "chanfana";
import { z } from "zod";
import { searchRequests } from "../db/request-log/search.ts";
import type { RequestFilter } from "../db/request-log/search-conditions.ts";
import { ModelSelector, parseSelector } from "../domain/models/model-selector.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, LOG_ERRORS } from "../http/error-responses.ts";
import { ValidationFailed } from "../http/errors.ts";
import { cursorField, limitField, nextField } from "../http/pagination.ts";
import { strictObject } from "../lib/fields.ts";
import { LogEntry, toEntry } from "../request-log/read/entry.ts";
import { EXPORTS, exportEntries } from "../request-log/read/export.ts";
import { Endpoint } from "./base.ts";

/** An export reads this many rows per query. A request may make 1,000 queries and use 128 MB of memory. */
const EXPORT_PAGE_ROWS = 5000;

function timeField(name: string, description: string) {
  const error = `${name} must be a time such as 2026-11-24T09:30:00Z or a date such as 2026-11-24`;
  return z
    .union([z.iso.datetime({ offset: true }), z.iso.date()], { error })
    .transform((text) => Date.parse(text))
    .optional()
    .meta({ description, example: "2026-11-24T09:30:00Z" });
}

function textField(name: string, description: string, example: string) {
  const error = `${name} must be a string of 1 to 200 characters`;
  return z.string({ error }).min(1, { error }).max(200, { error }).optional().meta({ description, example });
}

const statusError = "status must be a status code such as 404 or a class such as 4xx";
const durationError = "minDuration must be a number of milliseconds from 0 to 3600000";

const schema = {
  operationId: "listRequests",
  tags: ["Log"],
  summary: "Search the request log",
  description: `Returns the requests that match all filters, newest first.

**Short pages**: A page checks a limited number of requests, so it is fast for a log of any size. A page is always full with one of these filters: \`route\`, \`model\`, \`caller\`, \`status\` (except 200 and 2xx), \`minDuration\` (from 16), or a time range. With \`path\` or with two filters, a page checks only 600 requests. The page can then be short or empty although \`next\` is not null: continue with \`next\`. To find old requests with fewer pages, add a time range or another filter.

**Archive**: Requests older than the retention period (\`LOG_RETENTION_DAYS\`) are in the archive. The list does not contain them. \`GET /v1/requests/{id}\` finds them by id.

**Export**: With \`format=ndjson\` or \`format=csv\` the response contains all matching requests, and \`limit\` is ignored. If an export cannot be completed (for example after some million requests), the connection is aborted. Export such a log in several parts with \`since\` and \`until\`. In CSV, an apostrophe is put before text that a spreadsheet would run as a formula.`,
  request: {
    query: strictObject("the query", {
      since: timeField("since", "Only requests at this time or later."),
      until: timeField("until", "Only requests before this time."),
      status: z
        .string({ error: statusError })
        .regex(/^[1-5]([0-9]{2}|xx)$/, { error: statusError })
        .transform((text): [number, number] => [
          Number(text.replace("xx", "00")),
          Number(text.replace("xx", "99")),
        ])
        .optional()
        .meta({ description: "A status code or a class of status codes.", example: "4xx" }),
      route: textField("route", "The path pattern of the endpoint.", "/v1/models/:name"),
      model: ModelSelector.unwrap().optional().meta({
        description: "The model that computed the price: a name, or a name and version.",
        example: "log-linear@3",
      }),
      minDuration: z
        .number({ error: durationError })
        .min(0, { error: durationError })
        .max(3_600_000, { error: durationError })
        .optional()
        .meta({ description: "Only requests that took at least this many milliseconds.", example: 250 }),
      path: textField("path", "Only requests with this text in the path.", "/versions/"),
      caller: textField("caller", "Name of the caller's key.", "shop"),
      limit: limitField(200, 50),
      next: cursorField(/^before-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, (id) => id),
      format: z
        .enum(["json", "ndjson", "csv"], { error: "format must be one of json, ndjson, csv" })
        .default("json")
        .meta({
          description: "`json` returns one page. `ndjson` and `csv` return all matching requests.",
          example: "json",
        }),
    }),
  },
  responses: {
    "200": {
      description: "The requests, newest first.",
      content: {
        ...contentJson(z.object({ requests: z.array(LogEntry), next: nextField })).content,
        [EXPORTS.ndjson.type]: { schema: z.string().meta({ description: "One JSON object per line." }) },
        [EXPORTS.csv.type]: {
          schema: z.string().meta({ description: "A header, then one line per request." }),
        },
      },
    },
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
    const { model, limit, next, format, ...rest } = query;
    const filter = { ...rest, model: model === undefined ? undefined : parseSelector(model) };
    if (format !== "json") {
      const { type } = EXPORTS[format];
      return new Response(exportEntries(readPages(c.env.LOG_DB, filter, next), EXPORTS[format]), {
        headers: {
          "content-type": `${type}; charset=utf-8`,
          "content-disposition": `attachment; filename="requests.${format}"`,
        },
      });
    }
    const { rows, before } = await searchRequests(c.env.LOG_DB, filter, { before: next, limit });
    return { requests: rows.map(toEntry), next: before && `before-${before}` };
  }
}

async function* readPages(db: D1Database, filter: RequestFilter, first?: string): AsyncGenerator<LogEntry[]> {
  let before: string | null | undefined = first;
  do {
    const page = await searchRequests(db, filter, { before: before ?? undefined, limit: EXPORT_PAGE_ROWS });
    if (page.rows.length > 0) yield page.rows.map(toEntry);
    before = page.before;
  } while (before !== null);
}
