import { z } from "zod";
import type { RequestSummary } from "../../db/request-log/search.ts";
import { ModelReference } from "../../domain/model-record.ts";

/** A request as the log's readers get it, without its bodies. */
export const LogEntry = z
  .object({
    id: z.string().meta({ example: "019ab2f0-6d1c-7a55-9f3e-2b7c4d1e8a90" }),
    at: z.iso.datetime().meta({ description: "When it came.", example: "2026-11-24T09:30:00.000Z" }),
    method: z.string().meta({ example: "POST" }),
    path: z.string().meta({ example: "/v1/predictions" }),
    route: z.string().nullable().meta({
      description: "Pattern of the endpoint that answered; null where there is none for the path.",
      example: "/v1/predictions",
    }),
    query: z.string().nullable(),
    status: z.number().int().meta({ example: 200 }),
    durationMs: z.number().meta({ description: "From the request's arrival to the answer's start." }),
    model: ModelReference.nullable().meta({ description: "The model that answered." }),
    price: z.number().nullable().meta({ description: "The price answered; null where none or several." }),
    shadow: ModelReference.extend({ price: z.number().nullable() }).nullable().meta({
      description: "The challenger that priced the same stone after the answer, and its price.",
    }),
    caller: z.string().nullable().meta({ description: "Name of the caller's key." }),
    userAgent: z.string().nullable(),
    country: z.string().nullable(),
    colo: z.string().nullable().meta({ description: "Cloudflare's location that answered." }),
    problem: z.string().nullable().meta({ description: "What went wrong behind the answer." }),
  })
  .meta({ id: "LogEntry", description: "A request in the log." });
export type LogEntry = z.infer<typeof LogEntry>;

export function toEntry(row: RequestSummary): LogEntry {
  const { id, at, method, path, route, query, status, durationMs, price, caller, userAgent, country } = row;
  return {
    id,
    at: new Date(at).toISOString(),
    method,
    path,
    route,
    query,
    status,
    durationMs,
    model: reference(row.model, row.modelVersion),
    price,
    shadow: shadowOf(row),
    caller,
    userAgent,
    country,
    colo: row.colo,
    problem: row.problem,
  };
}

function shadowOf({ shadowModel, shadowVersion, shadowPrice }: RequestSummary): LogEntry["shadow"] {
  const model = reference(shadowModel, shadowVersion);
  return model && { ...model, price: shadowPrice };
}

function reference(name: string | null, version: number | null): ModelReference | null {
  return name === null || version === null ? null : { name, version };
}
