import { SAMPLE } from "../../domain/monitoring.ts";
import { firstIdAt } from "../../domain/request-id.ts";
import { HOUR_MS } from "./rollup-hours.ts";
import { SEARCH_INDEXES } from "./schema.ts";

/** What was asked and answered in a prediction. */
export interface PredictionRow {
  readonly id: string;
  readonly requestBody: string | null;
  readonly responseBody: string | null;
  readonly bodies: string | null;
  readonly price: number | null;
}

/**
 * Predictions that a model version answered in an hour on a route: of each part of the hour the first ones,
 * so that the cost is bounded and the whole hour is represented.
 */
export async function samplePredictions(
  d1: D1Database,
  hour: number,
  { route, model, version }: { route: string; model: string; version: number },
  perPart: number,
): Promise<PredictionRow[]> {
  const { name, key } = SEARCH_INDEXES.answered;
  const bound = (part: number) => firstIdAt(hour * HOUR_MS + (part * HOUR_MS) / SAMPLE.parts);
  const parts = Array.from({ length: SAMPLE.parts }, (_, part) => [bound(part), bound(part + 1)]);
  const { results } = await d1
    .prepare(
      `SELECT one.id, request_body AS requestBody, response_body AS responseBody, bodies, price
       FROM json_each(?2) AS part CROSS JOIN requests AS one ON one.id IN (
         SELECT id FROM requests INDEXED BY ${name}
         WHERE ${key} = ?1 AND id >= part.value ->> 0 AND id < part.value ->> 1 AND status = 200
         ORDER BY id LIMIT ?3)`,
    )
    .bind(`${route} ${model}@${version}`, JSON.stringify(parts), perPart)
    .all<PredictionRow>();
  return results;
}
