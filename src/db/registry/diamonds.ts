import type { PricedStone } from "../../domain/diamond.ts";
import { SPLIT_PRIME, splitMultiplier, TEST_BELOW } from "../../domain/split.ts";
import type { IdentifiedStone } from "./appraisals.ts";
import type { ServedModel } from "./models.ts";

/** Whether a stone was trained on: in the dataset (?1), and not on the test side of the seed (?2, its multiplier). */
export const TRAINED_ON = `since <= ?1 AND (until IS NULL OR until > ?1)
  AND (split_key * CAST(?2 AS INTEGER)) % ${SPLIT_PRIME} >= ${TEST_BELOW}`;

export const trainedOnParameters = ({ dataset, seed }: Pick<ServedModel, "dataset" | "seed">) =>
  [dataset, splitMultiplier(seed)] as const;

const STONES = `FROM diamonds WHERE cut = ?3 AND color = ?4 AND clarity = ?5 AND ${TRAINED_ON}`;

/**
 * Two walks along the primary key, from the asked weight upwards and downwards, at most ?7 stones each.
 * Upwards the key's order is the answer's: weight, then id. Downwards, ids would come last to first, and a
 * walk that ends among stones of one weight would keep the wrong ones: so the weight at which it ends is
 * found first, and of that weight the stones are taken by id.
 */
const NEAREST = `
WITH border AS (SELECT min(carat) AS carat FROM (
  SELECT carat ${STONES} AND carat < ?6 ORDER BY carat DESC LIMIT ?7))
SELECT id, carat, cut, color, clarity, depth, "table", x, y, z, price FROM (
  SELECT * FROM (SELECT * ${STONES} AND carat >= ?6 ORDER BY carat, id LIMIT ?7)
  UNION ALL
  SELECT * FROM (SELECT * ${STONES} AND carat > (SELECT carat FROM border) AND carat < ?6
    ORDER BY carat LIMIT ?7)
  UNION ALL
  SELECT * FROM (SELECT * ${STONES} AND carat = (SELECT carat FROM border) ORDER BY carat, id LIMIT ?7))
ORDER BY abs(carat - ?6), id
LIMIT ?7`;

/**
 * The stones that a model was trained on, of the same cut, colour and clarity, nearest in weight; stones
 * equally near by id. Reads about 4n rows that fit, and those passed over between them, however many there are.
 */
export async function findSimilarDiamonds(
  d1: D1Database,
  model: Pick<ServedModel, "dataset" | "seed">,
  stone: Pick<PricedStone, "carat" | "cut" | "color" | "clarity">,
  n: number,
): Promise<D1Result<IdentifiedStone>> {
  return d1
    .prepare(NEAREST)
    .bind(...trainedOnParameters(model), stone.cut, stone.color, stone.clarity, stone.carat, n)
    .all<IdentifiedStone>();
}
