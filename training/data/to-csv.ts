import { stringify } from "csv-stringify/sync";
import { type PricedStone, STONE_COLUMNS } from "../../src/domain/diamond.ts";

/**
 * Formats the test stones with their prices and each model's prices as CSV. Anyone can verify the metrics
 * with this file.
 */
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

/**
 * Formats stones with their prices as CSV, in the format that `--data` reads. A run writes its training
 * stones in this format: a model that is fitted in another program must use only these stones.
 */
export function toStonesCsv(stones: readonly PricedStone[]): string {
  const columns = [...STONE_COLUMNS, "price"];
  return stringify([...stones], { header: true, columns });
}
