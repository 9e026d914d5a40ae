import type { RequestRecord } from "../../db/request-log/requests.ts";
import type { Stone } from "../../domain/diamond.ts";
import type { PriceRange } from "../../domain/prediction/prediction.ts";
import { BATCH_ROUTE, PREDICTION_ROUTES } from "../../domain/routes.ts";
import type { Bodies } from "../bodies.ts";

/** A price that a request was answered with, and its range; null for an answer without a range. */
export interface AnsweredPrice {
  readonly price: number;
  readonly range: PriceRange | null;
}

/** The prices that a request was answered with; null if it is not a successful prediction. */
export function readPredictedPrices(
  request: RequestRecord,
): { prices: AnsweredPrice[]; isBatch: boolean } | null {
  const { route, method, status, price } = request;
  if (route === null || !(PREDICTION_ROUTES as readonly string[]).includes(route)) return null;
  if (method !== "POST" || status !== 200) return null;
  if (route === BATCH_ROUTE) return { prices: readBatchPrices(request), isBatch: true };
  if (price === null) return null;
  const { range = null } = parseObject<AnsweredPrice>(request.responseBody);
  return { prices: [{ price, range }], isBatch: false };
}

/** A stone as the caller sent it, and the predicted price. */
export type PricedInput = Partial<Stone & { price: number }>;

/** The stones of a successful prediction. */
export function readPricedStones(route: string, bodies: Bodies, price: number | null): PricedInput[] {
  if (route !== BATCH_ROUTE) return [toPricedInput(parseObject<Stone>(bodies.requestBody), price)];
  const prices = readBatchPrices(bodies);
  const { diamonds = [] } = parseObject<{ diamonds: Stone[] }>(bodies.requestBody);
  return diamonds.map((stone, i) => toPricedInput(stone, prices[i]?.price ?? null));
}

/** A caller may send a stone with a price of its own, which is ignored. */
function toPricedInput(stone: Partial<Stone>, price: number | null): PricedInput {
  const { price: _, ...fields } = stone as PricedInput;
  return price === null ? fields : { ...fields, price };
}

function readBatchPrices({ responseBody }: Bodies): AnsweredPrice[] {
  // Answers of older versions of the Worker have no range.
  type Item = Pick<AnsweredPrice, "price"> & Partial<AnsweredPrice>;
  const { predictions = [] } = parseObject<{ predictions: Item[] }>(responseBody);
  return predictions.map(({ price, range = null }) => ({ price, range }));
}

/** Parses a body of the API. A body that was erased or is only an excerpt gives an empty object. */
function parseObject<Value>(json: string | null): Partial<Value> {
  try {
    return JSON.parse(json ?? "{}") as Partial<Value>;
  } catch {
    return {};
  }
}
