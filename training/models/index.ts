import { gradientBoosting } from "./gradient-boosting.ts";
import { gradientBoostingNotebook } from "./gradient-boosting-notebook.ts";
import { logLinear } from "./log-linear.ts";
import type { PriceModel } from "./model.ts";

/** The models that a training run fits, in this order. */
export const MODELS: readonly PriceModel[] = [logLinear, gradientBoostingNotebook, gradientBoosting];
