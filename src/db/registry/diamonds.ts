import type { PricedStone } from "../../domain/diamond.ts";
import { SPLIT_PRIME, splitMultiplier, TEST_BELOW } from "../../domain/split.ts";
import type { Queryable } from "../sessions.ts";
import type { IdentifiedStone } from "./appraisals.ts";
import type { ServedModel } from "./models.ts";

/**
 * SQL condition: the stone is in the training split of a model. ?1 is the `seq` of the dataset, ?2 the
 * multiplier of the seed.
 */
const TRAINED_ON = `since <= ?1 AND (until IS NULL OR until > ?1)
  AND (split_key * CAST(?2 AS INTEGER)) % ${SPLIT_PRIME} >= ${TEST_BELOW}`;

const getTrainedOnParameters = ({ dataset, seed }: Pick<ServedModel, "dataset" | "seed">) =>
  [dataset, splitMultiplier(seed)] as const;

const FROM_MATCHING = `FROM diamonds WHERE cut = ?3 AND color = ?4 AND clarity = ?5 AND ${TRAINED_ON}`;

/**
 * Two scans along the primary key, of at most ?7 stones each: from the requested weight ?6 upwards, and from
 * there downwards.
 *
 * The order of the result is weight, then id. The upward scan has this order. The downward scan reads the ids
 * of one weight in reverse order, so its limit could keep the wrong stones of its lowest weight. `border`
 * therefore finds this weight first, and the stones of this weight are read separately, by ascending id.
 */
const FIND_NEAREST = `
WITH border AS (SELECT min(carat) AS carat FROM (
  SELECT carat ${FROM_MATCHING} AND carat < ?6 ORDER BY carat DESC LIMIT ?7))
SELECT id, carat, cut, color, clarity, depth, "table", x, y, z, price FROM (
  SELECT * FROM (SELECT * ${FROM_MATCHING} AND carat >= ?6 ORDER BY carat, id LIMIT ?7)
  UNION ALL
  SELECT * FROM (SELECT * ${FROM_MATCHING} AND carat > (SELECT carat FROM border) AND carat < ?6
    ORDER BY carat LIMIT ?7)
  UNION ALL
  SELECT * FROM (SELECT * ${FROM_MATCHING} AND carat = (SELECT carat FROM border) ORDER BY carat, id LIMIT ?7))
ORDER BY abs(carat - ?6), id
LIMIT ?7`;

const FIND_DATASET = "SELECT seq FROM datasets WHERE seq = ?1";

/**
 * Finds for each stone the stones in a model's training split with the same cut, colour and clarity and the
 * nearest weights. Stones at the same distance are ordered by id. A query reads about 4n rows plus the skipped
 * rows between them (test stones and stones of other datasets), independent of the size of the table.
 * @returns null if the database does not have the dataset: a replica may not have it yet
 */
export async function findSimilarDiamonds(
  d1: Queryable,
  model: Pick<ServedModel, "dataset" | "seed">,
  stones: readonly GradedStone[],
  n: number,
): Promise<D1Result<IdentifiedStone>[] | null> {
  const [datasets, ...results] = await d1.batch<IdentifiedStone>([
    d1.prepare(FIND_DATASET).bind(model.dataset),
    ...stones.map((stone) => prepareFindNearest(d1, model, stone, n)),
  ]);
  return datasets?.results.length === 1 ? results : null;
}

type GradedStone = Pick<PricedStone, "carat" | "cut" | "color" | "clarity">;

function prepareFindNearest(
  d1: Queryable,
  model: Pick<ServedModel, "dataset" | "seed">,
  { cut, color, clarity, carat }: GradedStone,
  n: number,
): D1PreparedStatement {
  return d1.prepare(FIND_NEAREST).bind(...getTrainedOnParameters(model), cut, color, clarity, carat, n);
}
