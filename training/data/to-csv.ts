import { stringify } from "csv-stringify/sync";
import { type PricedStone, STONE_COLUMNS } from "../../src/domain/diamond.ts";

/** Writes the test stones with their prices and each model's prices. Anyone can verify the metrics with it. */
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
 * Writes stones with their prices as CSV, in the format that `--data` reads. A model that is trained in
 * another program may use only the training stones.
 */
export function toStonesCsv(stones: readonly PricedStone[]): string {
  const columns = [...STONE_COLUMNS, "price"];
  return stringify([...stones], { header: true, columns });
}
