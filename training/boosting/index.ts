export { countLeaves, type Ensemble, gainImportance, type Tree } from "./ensemble.ts";
export { type FitOptions, fitEnsemble } from "./fit.ts";
export type { Matrix } from "./matrix.ts";
export { type BoostingParameters, XGBOOST_DEFAULTS } from "./parameters.ts";
export { predictEnsemble } from "./predict.ts";
export type { Metric, Validation } from "./validation.ts";
