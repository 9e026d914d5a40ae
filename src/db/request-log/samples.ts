import { formatVersion, type ModelReference } from "../../domain/models/model-reference.ts";
import { DRIFT_SAMPLE } from "../../domain/monitoring.ts";
import { firstIdAt } from "../../domain/request-id.ts";
import { HOUR_MS } from "../../lib/time.ts";
import { addOctetsBefore, sumOctets } from "./row-octets.ts";
import { requests, SEARCH_INDEXES } from "./schema.ts";

/** The bodies of all predictions of a slice have at most this many octets. Larger predictions are left out. */
const MAX_SLICE_OCTETS = 500_000;
const BODIES_OCTETS = sumOctets([requests.requestBody, requests.responseBody]);

/** The bodies and the price of a prediction. */
export interface PredictionRow {
  readonly id: string;
  readonly requestBody: string | null;
  readonly responseBody: string | null;
  readonly bodies: string | null;
  readonly price: number | null;
}

/**
 * Returns a sample of the predictions that a model version answered in an hour on a route. It has the first
 * `perSlice` predictions of each slice of the hour that fit into memory, so the cost is bounded and the whole hour is
 * represented.
 */
export async function samplePredictions(
  d1: D1Database,
  hour: number,
  { route, model }: { readonly route: string; readonly model: ModelReference },
  perSlice: number,
): Promise<PredictionRow[]> {
  const { name, key } = SEARCH_INDEXES.answered;
  const { slicesPerHour } = DRIFT_SAMPLE;
  const idAtSlice = (slice: number) => firstIdAt(hour * HOUR_MS + (slice * HOUR_MS) / slicesPerHour);
  const slices = Array.from({ length: slicesPerHour }, (_, slice) => [
    idAtSlice(slice),
    idAtSlice(slice + 1),
  ]);
  const { results } = await d1
    .prepare(
      `SELECT sampled.id, request_body AS requestBody, response_body AS responseBody, bodies, price
       FROM json_each(?2) AS slice CROSS JOIN requests AS sampled ON sampled.id IN (
         SELECT id FROM (${addOctetsBefore(
           `SELECT id, octets FROM (
              SELECT id, ${BODIES_OCTETS} AS octets FROM requests INDEXED BY ${name}
              WHERE ${key} = ?1 AND id >= slice.value ->> 0 AND id < slice.value ->> 1 AND status = 200
              ORDER BY id LIMIT ?3)
            WHERE octets <= ${MAX_SLICE_OCTETS}`,
           "ASC",
         )}) WHERE octetsBefore + octets <= ${MAX_SLICE_OCTETS})`,
    )
    .bind(`${route} ${formatVersion(model)}`, JSON.stringify(slices), perSlice)
    .all<PredictionRow>();
  return results;
}
