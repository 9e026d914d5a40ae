import type { RequestRecord } from "../../db/request-log/requests.ts";
import type { Stone } from "../../domain/diamond.ts";
import { BATCH_ROUTE, PREDICTION_ROUTES } from "../../domain/routes.ts";
import type { Bodies } from "../bodies.ts";

/** The prices that a request was answered with; null if it is not a successful prediction. */
export function readPredictedPrices(request: RequestRecord): { prices: number[]; isBatch: boolean } | null {
  const { route, method, status, price } = request;
  if (route === null || !(PREDICTION_ROUTES as readonly string[]).includes(route)) return null;
  if (method !== "POST" || status !== 200) return null;
  if (route === BATCH_ROUTE) return { prices: readBatchPrices(request), isBatch: true };
  return price === null ? null : { prices: [price], isBatch: false };
}

/** A stone as the caller sent it, and the predicted price. */
export type PricedInput = Partial<Stone & { price: number }>;

/** The stones of a successful prediction. */
export function readPricedStones(route: string, bodies: Bodies, price: number | null): PricedInput[] {
  if (route !== BATCH_ROUTE) return [toPricedInput(parseObject<Stone>(bodies.requestBody), price)];
  const prices = readBatchPrices(bodies);
  const { diamonds = [] } = parseObject<{ diamonds: Stone[] }>(bodies.requestBody);
  return diamonds.map((stone, i) => toPricedInput(stone, prices[i] ?? null));
}

/** A caller may send a stone with a price of its own, which is ignored. */
function toPricedInput(stone: Partial<Stone>, price: number | null): PricedInput {
  const { price: _, ...fields } = stone as PricedInput;
  return price === null ? fields : { ...fields, price };
}

function readBatchPrices({ responseBody }: Bodies): number[] {
  const { predictions = [] } = parseObject<{ predictions: { price: number }[] }>(responseBody);
  return predictions.map(({ price }) => price);
}

/** Parses a body of the API. A body that was erased or is only an excerpt gives an empty object. */
function parseObject<Value>(json: string | null): Partial<Value> {
  try {
    return JSON.parse(json ?? "{}") as Partial<Value>;
  } catch {
    return {};
  }
}
