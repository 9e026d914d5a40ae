import { z } from "zod";
import { searchRequests } from "../db/request-log/search.ts";
import type { RequestFilter } from "../db/request-log/search-conditions.ts";
import type { AppContext } from "../http/context.ts";
import { documentErrors, LOG_ERRORS } from "../http/error-responses.ts";
import { ValidationFailed } from "../http/errors.ts";
import { filterFields, toRequestFilter } from "../http/request-filters.ts";
import { choiceField } from "../lib/input/fields.ts";
import { type LogEntry, toEntry } from "../request-log/read/entry.ts";
import { EXPORTS, exportEntries } from "../request-log/read/export.ts";
import { Endpoint } from "./base.ts";

/** An export reads this many rows per query. A request may make 1,000 queries and use 128 MB of memory. */
const PAGE_ROWS = 5000;

const schema = {
  operationId: "exportRequests",
  tags: ["Log"],
  summary: "Export the request log as CSV or NDJSON",
  description: `Returns all requests that match the filters, newest first, as one file: CSV for spreadsheets and data frames, or NDJSON (one JSON object per line).

If an export cannot be completed (for example after some million requests), the connection is aborted. Export such a log in several parts with \`since\` and \`until\`. In CSV, an apostrophe is put before text that a spreadsheet would run as a formula.`,
  request: {
    query: z.object({
      format: choiceField("format", ["csv", "ndjson"])
        .default("csv")
        .meta({ description: "`csv` (a header, then one line per request) or `ndjson`." }),
      ...filterFields,
    }),
  },
  responses: {
    "200": {
      description: "The requests, newest first.",
      content: {
        [EXPORTS.csv.type]: { schema: z.string() },
        [EXPORTS.ndjson.type]: { schema: z.string() },
      },
    },
    ...documentErrors(ValidationFailed, ...LOG_ERRORS),
  },
};

export class ExportRequests extends Endpoint {
  static override readonly method = "get";
  static override readonly path = "/v1/requests/export";
  static override readonly scope = "admin";
  override schema = schema;

  override async handle(c: AppContext) {
    const { query } = await this.readInput(c, schema);
    const { format, ...filters } = query;
    const pages = readPages(c.env.LOG_DB, toRequestFilter(filters));
    return new Response(exportEntries(pages, EXPORTS[format]), {
      headers: {
        "content-type": `${EXPORTS[format].type}; charset=utf-8`,
        "content-disposition": `attachment; filename="requests.${format}"`,
      },
    });
  }
}

async function* readPages(db: D1Database, filter: RequestFilter): AsyncGenerator<LogEntry[]> {
  let before: string | null | undefined;
  do {
    const page = await searchRequests(db, filter, { before: before ?? undefined, limit: PAGE_ROWS });
    if (page.rows.length > 0) yield page.rows.map(toEntry);
    before = page.before;
  } while (before !== null);
}
