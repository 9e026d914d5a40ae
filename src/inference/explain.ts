import { findBackground, type ServedModel } from "../db/registry/models.ts";
import type { Stone } from "../domain/diamond.ts";
import {
  attributePrice,
  type Background,
  buildCoalitions,
  type Explanation,
  explainPrice,
} from "../domain/prediction/explanation.ts";
import type { AppContext } from "../http/context.ts";
import { readImmutable } from "../http/registry.ts";
import { evictOldest } from "../lib/stale-cache.ts";
import { runModelOnColumns } from "./predict.ts";

const MAX_BACKGROUNDS = 20;
/** Backgrounds by the dataset and the seed that determine them, and the file that they were published with. */
const backgrounds = new Map<string, Background>();

/**
 * Finds the training stones that a version's explanations compare a stone with; null if it has none. A version
 * never changes, so they are read once.
 */
export async function readBackground(c: AppContext, model: ServedModel): Promise<Background | null> {
  const key = `${model.dataset} ${model.seed} ${model.sha256}`;
  const cached = backgrounds.get(key);
  if (cached !== undefined) return cached;
  const isMissing = (background: Background | null | undefined) => background === undefined;
  const background = await readImmutable(c, (db) => findBackground(db, model), isMissing);
  if (background == null) return null;
  backgrounds.set(key, background);
  evictOldest(backgrounds, MAX_BACKGROUNDS);
  return background;
}

/**
 * Explains the price of a stone with one run of the model. Null if the model has no price for one of the
 * stones that the explanation needs.
 * @param price the rounded price of the stone, US dollars
 */
export async function explainStone(
  c: AppContext,
  model: ServedModel,
  background: Background,
  stone: Stone,
  price: number,
): Promise<Explanation | null> {
  const prices = await runModelOnColumns(c, model, buildCoalitions(stone, background), "name");
  const attribution = attributePrice(prices);
  return attribution && explainPrice(stone, price, attribution);
}
