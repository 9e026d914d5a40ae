import { XGBOOST_DEFAULTS } from "../boosting/index.ts";
import { COLUMN_FEATURES, createBoostedTreesModel } from "./boosted-trees.ts";

const { seed: _, ...parameters } = XGBOOST_DEFAULTS;

/**
 * The plain XGBoost settings of the notebook that Facet started from: 100 trees of depth 6, fitted on the
 * price. Every run trains it too, to show what the features and settings of gradient-boosting improve.
 */
export const gradientBoostingNotebook = createBoostedTreesModel({
  name: "gradient-boosting-notebook",
  features: COLUMN_FEATURES,
  target: "price",
  parameters,
});
