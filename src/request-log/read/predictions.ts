import type { Stone } from "../../domain/diamond.ts";
import type { Bodies } from "../bodies.ts";
import type { WholeRequest } from "./find-request.ts";

export const BATCH_ROUTE = "/v1/predictions/batch";
export const PREDICTION_ROUTES = ["/v1/predictions", BATCH_ROUTE] as const;

/** The prices that a request was answered with; null where it was no prediction that gave any. */
export function readPredictedPrices(request: WholeRequest): { prices: number[]; batch: boolean } | null {
  const { route, method, status, price } = request;
  if (route === null || !(PREDICTION_ROUTES as readonly string[]).includes(route)) return null;
  if (method !== "POST" || status !== 200) return null;
  if (route === BATCH_ROUTE) return { prices: batchPrices(request), batch: true };
  return price === null ? null : { prices: [price], batch: false };
}

/** A stone that was priced, as far as it was given, and its price. */
export type PricedInput = Partial<Stone & { price: number }>;

/** The stones of a prediction that was answered. */
export function readPricedStones(route: string, bodies: Bodies, price: number | null): PricedInput[] {
  if (route !== BATCH_ROUTE)
    return [{ ...parse<Stone>(bodies.requestBody), ...(price !== null && { price }) }];
  const prices = batchPrices(bodies);
  const { diamonds = [] } = parse<{ diamonds: Stone[] }>(bodies.requestBody);
  return diamonds.map((stone, i) => ({ ...stone, ...(prices[i] !== undefined && { price: prices[i] }) }));
}

function batchPrices({ responseBody }: Bodies): number[] {
  const { predictions = [] } = parse<{ predictions: { price: number }[] }>(responseBody);
  return predictions.map(({ price }) => price);
}

/** JSON that was answered once; nothing where it was forgotten or could not be kept whole. */
function parse<Value>(json: string | null | undefined): Partial<Value> {
  try {
    return JSON.parse(json ?? "{}") as Partial<Value>;
  } catch {
    return {};
  }
}
