import { stringify } from "csv-stringify/sync";
import { type PricedStone, STONE_COLUMNS } from "../src/domain/diamond.ts";

/** Test stones with their price and each model's, as CSV, so that anyone can check the metrics. */
export function predictionsCsv(
  stones: readonly PricedStone[],
  models: readonly { readonly name: string; readonly prices: Float32Array }[],
): string {
  const header = [...STONE_COLUMNS, "price", ...models.map((model) => model.name)];
  const rows = stones.map((stone, row) => [
    ...STONE_COLUMNS.map((column) => stone[column]),
    stone.price,
    ...models.map((model) => model.prices[row]),
  ]);
  return stringify([header, ...rows]);
}
