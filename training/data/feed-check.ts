import Table from "cli-table3";
import { UserError } from "../../cloudflare/user-error.ts";
import { STONE_COLUMNS } from "../../src/domain/diamond.ts";
import { checkFeed, deviation } from "../../src/domain/feed-check.ts";
import { dollars } from "../evaluation/promotion-policy.ts";
import { predictPrices } from "../onnx/predict-prices.ts";
import type { Champion } from "../registry/champion.ts";
import type { DatasetStone } from "./dataset.ts";

const REFUSED = 2;
const SHOWN = 10;

/**
 * Prices a feed by the champion and refuses it as a whole where too many prices are far off.
 * @throws Failure with exit code 2 and a table of the worst rows.
 */
export async function checkFeedPrices(
  champion: Champion | null,
  feed: readonly DatasetStone[],
): Promise<void> {
  if (!champion?.bytes || feed.length === 0) return;
  const predicted = await predictPrices(champion.bytes, feed);
  const check = checkFeed(
    feed.map((stone) => stone.price),
    predicted,
  );
  if (!check.refused) return;
  const worst = feed
    .map((stone, row) => ({
      stone,
      predicted: predicted[row]!,
      off: deviation(stone.price, predicted[row]!),
    }))
    .sort((a, b) => b.off - a.off)
    .slice(0, SHOWN);
  const table = new Table({
    head: [...STONE_COLUMNS, "price", "champion's price"],
    style: { head: [], border: [] },
  });
  for (const { stone, predicted: price } of worst) {
    table.push([...STONE_COLUMNS.map((column) => stone[column]), dollars(stone.price), dollars(price)]);
  }
  throw new UserError(
    `the feed is refused: ${check.suspicious} of its ${check.rows} fresh prices are more than half away from the champion's; ` +
      `the median price is ${check.medianRatio.toFixed(2)} times the champion's. --accept-feed takes it all the same.\n${table.toString()}`,
    { exitCode: REFUSED },
  );
}
