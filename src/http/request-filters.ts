import { z } from "zod";
import type { RequestFilter } from "../db/request-log/search-conditions.ts";
import { ModelSelector, parseSelector } from "../domain/models/model-selector.ts";
import { createFieldMessage } from "../lib/input/fields.ts";
import { parseIsoTime } from "../lib/input/iso-time.ts";
import { numberParameter } from "./parameters.ts";

function timeField(name: string, description: string) {
  const message = createFieldMessage(
    name,
    `${name} must be a date or a time in ISO 8601, such as 2026-11-24 or 2026-11-24T09:30:00Z`,
  );
  return z
    .string()
    .transform((text, context) => {
      const at = parseIsoTime(text);
      if (at !== null) return at;
      context.addIssue({ code: "custom", message: message({ input: text }) });
      return z.NEVER;
    })
    .optional()
    .meta({
      description: `${description} Any form of ISO 8601: a date, or a time with or without seconds. Without an offset the time is in UTC.`,
      format: "date-time",
    });
}

function textField(name: string, description: string) {
  const error = createFieldMessage(name, `${name} must be a text of 1 to 200 characters`);
  return z.string({ error }).min(1, { error }).max(200, { error }).optional().meta({ description });
}

const statusError = createFieldMessage(
  "status",
  "status must be a status code such as 404, or a class of them such as 4xx",
);
const durationError = createFieldMessage(
  "minDuration",
  "minDuration must be a number of milliseconds from 0 to 3600000",
);

/** The query parameters that choose requests of the log. They are the same for the list and for the export. */
export const filterFields = {
  since: timeField("since", "Only requests at this time or later."),
  until: timeField("until", "Only requests before this time."),
  status: z
    .string()
    .trim()
    .regex(/^[1-5]([0-9]{2}|[xX]{2})$/, { error: statusError })
    .transform((text): [number, number] => [
      Number(text.replace(/xx/i, "00")),
      Number(text.replace(/xx/i, "99")),
    ])
    .optional()
    .meta({ description: "A status code (`404`) or a class of status codes (`4xx`)." }),
  route: textField("route", "The path pattern of the endpoint, such as `/v1/models/:name`."),
  model: ModelSelector.unwrap().optional().meta({
    description:
      "The model that computed the price: a name (`log-linear`), or a name and version (`log-linear@1`).",
  }),
  minDuration: numberParameter(
    z
      .number({ error: durationError })
      .min(0, { error: durationError })
      .max(3_600_000, { error: durationError }),
  )
    .optional()
    .meta({ description: "Only requests that took at least this many milliseconds, from 0 to 3600000." }),
  path: textField("path", "Only requests with this text in the path, such as `/versions/`."),
  caller: textField("caller", "Name of the caller's key."),
};

const Filters = z.object(filterFields);

/** Converts the parameters to the filter of a search. */
export function toRequestFilter(query: z.infer<typeof Filters>): RequestFilter {
  const { since, until, status, route, model, minDuration, path, caller } = query;
  return {
    since,
    until,
    status,
    route,
    model: model === undefined ? undefined : parseSelector(model),
    minDuration,
    path,
    caller,
  };
}
