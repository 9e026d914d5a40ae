import { XGBOOST_DEFAULTS } from "../boosting/index.ts";
import { COLUMN_FEATURES, createBoostedTreesModel } from "./boosted-trees.ts";

const { seed: _, ...parameters } = XGBOOST_DEFAULTS;

/**
 * The notebook's plain XGBoost settings: 100 trees of depth 6, fitted on the price. It is trained beside
 * gradient-boosting, so every run shows what the features and settings of gradient-boosting improve.
 */
export const gradientBoostingNotebook = createBoostedTreesModel({
  name: "gradient-boosting-notebook",
  features: COLUMN_FEATURES,
  target: "price",
  parameters,
});
