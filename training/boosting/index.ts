export { computeGainImportance, type Ensemble, type Tree } from "./ensemble.ts";
export { type FitOptions, fitEnsemble } from "./fit.ts";
export type { Matrix } from "./matrix.ts";
export { type BoostingParameters, XGBOOST_DEFAULTS } from "./parameters.ts";
export { predictEnsemble } from "./predict.ts";
