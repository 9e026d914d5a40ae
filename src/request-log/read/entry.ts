import { z } from "zod";
import type { RequestSummary } from "../../db/request-log/search.ts";
import { ModelReference, toModelReference } from "../../domain/models/model-reference.ts";

const ShadowPrediction = ModelReference.extend({ price: z.number().nullable() }).meta({
  id: "ShadowPrediction",
  description: "A price that a challenger computed after the response.",
});

/** A request in the log as the API returns it, without its bodies. */
export const LogEntry = z
  .object({
    id: z.string().meta({ example: "019ab2f0-6d1c-7a55-9f3e-2b7c4d1e8a90" }),
    at: z.iso
      .datetime()
      .meta({ description: "When the request arrived.", example: "2026-11-24T09:30:00.000Z" }),
    method: z.string().meta({ example: "POST" }),
    path: z.string().meta({
      description:
        "A text that was too long is cut here and in the other fields, and ends with an ellipsis (…).",
      example: "/v1/predictions",
    }),
    route: z.string().nullable().meta({
      description: "Pattern of the endpoint that answered; null if the path matches no endpoint.",
      example: "/v1/predictions",
    }),
    query: z.string().nullable(),
    status: z.number().int().meta({ example: 200 }),
    durationMs: z.number().meta({
      description: "Milliseconds from the arrival of the request to the start of the response.",
    }),
    model: ModelReference.nullable().meta({ description: "The model version that answered." }),
    price: z.number().nullable().meta({
      description: "The predicted price, US dollars; null if there is none or more than one.",
    }),
    shadow: ShadowPrediction.nullable().meta({
      description: "The challenger that priced the same stone after the response, and its price.",
    }),
    caller: z.string().nullable().meta({ description: "Name of the caller's key." }),
    userAgent: z.string().nullable(),
    country: z.string().nullable(),
    colo: z.string().nullable().meta({ description: "Airport code of the Cloudflare location." }),
    problem: z.string().nullable().meta({ description: "Internal errors and warnings of the request." }),
    repeats: z.number().int().meta({
      description:
        "How many further requests the entry counts: of the same caller, within a minute, refused by the same rate limit, or answered by `/health`. They have no entries of their own. Usually 0.",
      example: 0,
    }),
  })
  .meta({ id: "LogEntry", description: "A request in the log." });
export type LogEntry = z.infer<typeof LogEntry>;

export function toEntry(row: RequestSummary): LogEntry {
  const { model, modelVersion, shadowModel, shadowVersion, shadowPrice, bodies, ...others } = row;
  const { id, at, method, path, route, query, status, durationMs, price, ...rest } = others;
  const { caller, userAgent, country, colo, problem, repeats, ...unnamed } = rest;
  // A new column is a type error here until it is named above, to be shown in the entry or left out.
  unnamed satisfies Record<string, never>;
  const shadow = toModelReference(shadowModel, shadowVersion);
  return {
    id,
    at: new Date(at).toISOString(),
    method,
    path,
    route,
    query,
    status,
    durationMs,
    model: toModelReference(model, modelVersion),
    price,
    shadow: shadow && { ...shadow, price: shadowPrice },
    caller,
    userAgent,
    country,
    colo,
    problem,
    repeats: repeats ?? 0,
  };
}
