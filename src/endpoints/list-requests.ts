import { contentJson } from "chanfana";
import { z } from "zod";
import { type RequestFilter, searchRequests } from "../db/request-log/search.ts";
import { ModelSelector, parseSelector } from "../domain/model-selector.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, LOG_ERRORS } from "../http/error-responses.ts";
import { ValidationFailed } from "../http/errors.ts";
import { cursorField, limitField, nextField } from "../http/pagination.ts";
import { strictObject } from "../lib/fields.ts";
import { LogEntry, toEntry } from "../request-log/read/entry.ts";
import { EXPORTS, exportEntries } from "../request-log/read/export.ts";
import { Endpoint } from "./base.ts";

/** Rows of an export that are read at once: a request can make 1,000 queries, and memory holds 128 MB. */
const EXPORT_PAGE = 5000;

function time(name: string, description: string) {
  const error = `${name} must be a time such as 2026-11-24T09:30:00Z, or a day such as 2026-11-24`;
  return z
    .union([z.iso.datetime({ offset: true }), z.iso.date()], { error })
    .transform((text) => Date.parse(text))
    .optional()
    .meta({ description, example: "2026-11-24T09:30:00Z" });
}

function text(name: string, description: string, example: string) {
  const error = `${name} must be a text of 1 to 200 characters`;
  return z.string({ error }).min(1, { error }).max(200, { error }).optional().meta({ description, example });
}

const statusError = "status must be one such as 404, or a class such as 4xx";
const durationError = "minDuration must be a number of milliseconds from 0 to 3600000";

const schema = {
  operationId: "listRequests",
  tags: ["Log"],
  summary: "Search the log of all requests",
  description: `Every request of the last months, newest first: whatever is given narrows the list.

A page looks at a limited number of requests, so that it is quick however large the log is. Where an index finds what fits (a \`status\` other than 200 and 2xx, \`minDuration\` from 16, \`route\`, \`model\`, \`caller\`, and any time) that is no limit that you notice. \`path\`, and two filters together, are looked for among the newest 600 requests of the time (or of the index): the page can then be short, even empty, while \`next\` is not null and leads further back. Give \`since\`, or a second filter, to get there sooner.

Requests older than \`LOG_RETENTION_DAYS\` (90) are in the archive: they are not in this list, and are found by their id alone (\`GET /v1/requests/{id}\`).

With \`format=ndjson\` or \`format=csv\` you get everything that fits in one go; \`limit\` does not matter then. Where it cannot go on, as after some million requests, it breaks off rather than end early: take such a log in parts, by \`since\` and \`until\`. Texts that a spreadsheet would run as a formula begin with an apostrophe.`,
  request: {
    query: strictObject("the query", {
      since: time("since", "From this time on."),
      until: time("until", "Before this time."),
      status: z
        .string({ error: statusError })
        .regex(/^[1-5]([0-9]{2}|xx)$/, { error: statusError })
        .transform((text): [number, number] => [
          Number(text.replace("xx", "00")),
          Number(text.replace("xx", "99")),
        ])
        .optional()
        .meta({ description: "A status, or a class of them.", example: "4xx" }),
      route: text("route", "The endpoint's pattern, as entries have it.", "/v1/models/:name"),
      model: ModelSelector.unwrap().optional().meta({
        description: "The model that answered: its name, or one version of it.",
        example: "log-linear@3",
      }),
      minDuration: z
        .number({ error: durationError })
        .min(0, { error: durationError })
        .max(3_600_000, { error: durationError })
        .optional()
        .meta({ description: "Those that took this long or longer, in milliseconds.", example: 250 }),
      path: text("path", "A text that the path contains.", "/versions/"),
      caller: text("caller", "Name of the caller's key.", "shop"),
      limit: limitField(200, 50),
      next: cursorField(/^before-[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/, (id) => id),
      format: z
        .enum(["json", "ndjson", "csv"], { error: "format must be one of json, ndjson, csv" })
        .default("json")
        .meta({ description: "`json` gives a page, the others everything.", example: "json" }),
    }),
  },
  responses: {
    "200": {
      description: "The requests, newest first.",
      content: {
        ...contentJson(z.object({ requests: z.array(LogEntry), next: nextField })).content,
        [EXPORTS.ndjson.type]: { schema: z.string().meta({ description: "An entry a line." }) },
        [EXPORTS.csv.type]: { schema: z.string().meta({ description: "An entry a line, after a header." }) },
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
    c.var.requestContext.logsResponseBody = false;
    const { query } = await this.input(c, schema);
    const { model, limit, next, format, ...rest } = query;
    const filter = { ...rest, model: model === undefined ? undefined : parseSelector(model) };
    if (format !== "json") {
      const { type } = EXPORTS[format];
      return new Response(exportEntries(pages(c.env.LOG_DB, filter, next), EXPORTS[format]), {
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

async function* pages(db: D1Database, filter: RequestFilter, first?: string): AsyncGenerator<LogEntry[]> {
  let before: string | null | undefined = first;
  do {
    const page = await searchRequests(db, filter, { before: before ?? undefined, limit: EXPORT_PAGE });
    if (page.rows.length > 0) yield page.rows.map(toEntry);
    before = page.before;
  } while (before !== null);
}
