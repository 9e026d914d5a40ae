import { z } from "zod";
import { type PricedStone, pricedStoneFields } from "../diamond.ts";

/** How many similar stones a caller may ask for. */
export const MAX_SIMILAR_DIAMONDS = 100;

/** A stone of the training data with the same grades as another stone. */
export const SimilarDiamond = z
  .object({
    id: z.string().meta({ description: "Id of the stone.", example: "9f2c4b1e8a90d3f7" }),
    ...pricedStoneFields,
    weightDifference: z.number().nonnegative().meta({
      description: "Difference between the weight of this stone and the requested weight, in carats.",
      example: 0.01,
    }),
  })
  .meta({ id: "SimilarDiamond", description: "A stone of the training data." });
export type SimilarDiamond = z.infer<typeof SimilarDiamond>;

/** Adds the difference from a weight in carats. */
export function toSimilarDiamond(
  stone: PricedStone & { readonly id: string },
  carat: number,
): SimilarDiamond {
  return { ...stone, weightDifference: Math.round(Math.abs(stone.carat - carat) * 1e6) / 1e6 };
}
