import { XGBOOST_DEFAULTS } from "../boosting/index.ts";
import { boostedTrees, COLUMNS } from "./boosted-trees.ts";

const { seed: _, ...parameters } = XGBOOST_DEFAULTS;

/**
 * The notebook's plain XGBoost settings: 100 trees of depth 6 on the price itself. Kept beside
 * gradient-boosting, so that every run shows what its features and settings gain.
 */
export const gradientBoostingNotebook = boostedTrees({
  name: "gradient-boosting-notebook",
  features: COLUMNS,
  target: "price",
  parameters,
});
