import Table from "cli-table3";
import { UserError } from "../../cloudflare/user-error.ts";
import { STONE_COLUMNS } from "../../src/domain/diamond.ts";
import { findFeedFailure, relativeDeviation } from "../../src/domain/feed-check.ts";
import { formatDollars } from "../../src/lib/format.ts";
import type { DatasetStone } from "../data/dataset-stone.ts";
import { predictPrices } from "../onnx/predict-prices.ts";
import type { Champion } from "../registry/champion.ts";

const REJECTED_FEED_EXIT_CODE = 2;
const MAX_LISTED_STONES = 10;

/**
 * Compares the prices of a feed with the champion's prices. Without a readable champion there is no check.
 * @throws UserError with exit code 2, the bound that failed and a table of the most suspicious prices if the feed is rejected
 */
export async function checkFeedPrices(
  champion: Champion | null,
  feed: readonly DatasetStone[],
): Promise<void> {
  if (!champion?.bytes || feed.length === 0) return;
  const predicted = await predictPrices(champion.bytes, feed);
  const failure = findFeedFailure(
    feed.map((stone) => stone.price),
    predicted,
  );
  if (failure === null) return;
  throw new UserError(
    `the feed is rejected: ${failure.reason}; use --accept-feed to accept the feed\n` +
      formatWorstPrices(feed, predicted),
    { exitCode: REJECTED_FEED_EXIT_CODE },
  );
}

/** Formats a table of the prices that differ most from the champion's. */
function formatWorstPrices(feed: readonly DatasetStone[], predicted: Float32Array): string {
  const worst = feed
    .map((stone, row) => ({ stone, championPrice: predicted[row]! }))
    .map((entry) => ({ ...entry, deviation: relativeDeviation(entry.stone.price, entry.championPrice) }))
    .sort((a, b) => b.deviation - a.deviation)
    .slice(0, MAX_LISTED_STONES);
  const table = new Table({
    head: [...STONE_COLUMNS, "price", "champion's price"],
    style: { head: [], border: [] },
  });
  for (const { stone, championPrice } of worst) {
    const values = STONE_COLUMNS.map((column) => stone[column]);
    table.push([...values, formatDollars(stone.price), formatDollars(championPrice)]);
  }
  return table.toString();
}
