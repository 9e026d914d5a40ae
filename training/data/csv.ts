import { stringify } from "csv-stringify/sync";
import { type PricedStone, STONE_COLUMNS } from "../../src/domain/diamond.ts";

/** Test stones with their price and each model's, as CSV, so that anyone can check the metrics. */
export function toPredictionsCsv(
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

/** Stones with their price, as CSV that `--data` reads: what a model that is fitted elsewhere may learn from. */
export function toStonesCsv(stones: readonly PricedStone[]): string {
  const columns = [...STONE_COLUMNS, "price"];
  return stringify([...stones], { header: true, columns });
}
