import { type BoostingParameters, XGBOOST_DEFAULTS } from "../training/boosting/index.ts";
import { GEOMETRY, PLAIN } from "./boosting/features.ts";

/** What the trees predict, and the way back to dollars. */
export interface Target {
  of: (price: number, carat: number) => number;
  inverse: (value: number, carat: number) => number;
}

export interface Candidate {
  name: string;
  features: readonly string[];
  target: Target;
  parameters: BoostingParameters;
  /** Numbers of rounds at which the error is taken. */
  at: readonly number[];
  /** Weight of a row, by its price. */
  weight?: (price: number) => number;
  /** Number of ensembles, seeds from 1, whose predictions are averaged before the way back. */
  bag?: number;
  /** Whether prices are multiplied by the factor that makes the training rows' error in dollars least. */
  correct?: boolean;
}

const DOLLARS: Target = { of: (price) => price, inverse: (value) => value };
const LOG: Target = { of: Math.log, inverse: Math.exp };
const power = (k: number): Target => ({
  of: (price) => price ** k,
  inverse: (value) => Math.max(value, 0) ** (1 / k),
});

/** The logarithm of price over carat^k: what is left of the price once it grows with weight by a power law. */
const perCarat = (k: number): Target => ({
  of: (price, carat) => Math.log(price / carat ** k),
  inverse: (value, carat) => Math.exp(value) * carat ** k,
});

/** XGBoost's best settings of the reference runs. */
const REFERENCE: BoostingParameters = {
  ...XGBOOST_DEFAULTS,
  rounds: 1000,
  maxDepth: 5,
  eta: 0.05,
  subsample: 0.8,
  colsampleByTree: 0.7,
  minChildWeight: 3,
};

function candidate(
  name: string,
  change: Partial<BoostingParameters>,
  rest: Partial<Candidate> = {},
): Candidate {
  const parameters = { ...REFERENCE, ...change };
  return { name, features: GEOMETRY, target: LOG, parameters, at: [parameters.rounds], ...rest };
}

/** The grades as pairs: a tree parts D-IF from the rest in one split. */
const RICH = [...GEOMETRY, "depth gap", "8*color+clarity", "8*clarity+color"];

function deep(
  name: string,
  change: Partial<BoostingParameters>,
  features: readonly string[] = RICH,
): Candidate {
  const rounds = change.rounds ?? 500;
  const at = [0.6, 0.8, 1].map((share) => share * rounds);
  return candidate(name, { maxDepth: 7, rounds, ...change }, { features, at });
}

const DEEP: Partial<BoostingParameters> = { maxDepth: 7, rounds: 500, colsampleByTree: 0.5 };

function caratwise(
  name: string,
  change: Partial<BoostingParameters>,
  rest: Partial<Candidate> = {},
): Candidate {
  const rounds = change.rounds ?? 500;
  const at = [0.6, 0.8, 1].map((share) => share * rounds);
  return candidate(name, { ...DEEP, ...change }, { features: RICH, target: perCarat(1), at, ...rest });
}

function eight(name: string, change: Partial<BoostingParameters>, rest: Partial<Candidate> = {}): Candidate {
  return caratwise(name, { maxDepth: 8, rounds: 250, ...change }, { at: [250], ...rest });
}

const ROBUST: Partial<BoostingParameters> = {
  rounds: 235,
  eta: 0.065,
  subsample: 0.85,
  colsampleByTree: 0.6,
};

/** Huber's loss from a round on, shifted for dollars. */
function robust(
  name: string,
  delta: number,
  after: number,
  change: Partial<BoostingParameters>,
  features = RICH,
): Candidate {
  const parameters = { rounds: 220, colsampleByTree: 0.7, subsample: 0.9, ...change };
  const rest = { at: [parameters.rounds], correct: true, features };
  return eight(name, { ...parameters, huber: { delta, after } }, rest);
}

export const CANDIDATES: readonly Candidate[] = [
  candidate("notebook settings", XGBOOST_DEFAULTS, { features: PLAIN, target: DOLLARS }),
  candidate("target: dollars", {}, { target: DOLLARS }),
  candidate("target: log", {}),
  candidate("target: price^0.25", {}, { target: power(0.25) }),
  candidate("target: price^0.5", {}, { target: power(0.5) }),
  candidate("weights: price^0.5", {}, { weight: (price) => Math.sqrt(price) }),
  candidate("weights: price", {}, { weight: (price) => price }),
  candidate("features: plain", {}, { features: PLAIN }),
  ...[
    "z/x",
    "x*y",
    "depth gap",
    "depth+table",
    "color+clarity",
    "8*color+clarity",
    "8*clarity+color",
    "carat*(color+clarity)",
    "table*x",
  ].map((extra) => candidate(`features: with ${extra}`, {}, { features: [...GEOMETRY, extra] })),
  ...[4, 6, 7, 8, 10].map((maxDepth) =>
    candidate(
      `depth: ${maxDepth}`,
      { maxDepth, rounds: maxDepth > 7 ? 600 : 1200 },
      { at: maxDepth > 7 ? [100, 200, 300, 400, 600] : [400, 600, 800, 1000, 1200] },
    ),
  ),
  ...[0.01, 0.03, 0.1].map((gamma) =>
    candidate(`gamma: ${gamma}`, { gamma, maxDepth: 9, rounds: 600 }, { at: [200, 300, 400, 600] }),
  ),
  deep("deep: geometry", {}, GEOMETRY),
  deep("deep: and depth gap", {}, [...GEOMETRY, "depth gap"]),
  deep("deep: and grade crosses", {}, [...GEOMETRY, "8*color+clarity", "8*clarity+color"]),
  deep("deep: both", {}),
  deep("deep: both and z/x, color+clarity, x*y", {}, [...RICH, "z/x", "color+clarity", "x*y"]),
  deep("deep: colsample 0.5", { colsampleByTree: 0.5 }),
  deep("deep: subsample 0.6", { subsample: 0.6 }),
  deep("deep: subsample 1", { subsample: 1 }),
  deep("deep: min child weight 1", { minChildWeight: 1 }),
  deep("deep: min child weight 8", { minChildWeight: 8 }),
  deep("deep: lambda 5", { lambda: 5 }),
  deep("deep: lambda 0.2", { lambda: 0.2 }),
  deep("deep: eta 0.03", { eta: 0.03, rounds: 800 }),
  ...[0.5, 1, 1.7].map((k) =>
    candidate(`trend: log of price / carat^${k}`, DEEP, {
      features: RICH,
      target: perCarat(k),
      at: [300, 400, 500],
    }),
  ),
  candidate(
    "constraint: color and clarity up",
    { ...DEEP, monotone: RICH.map((name) => (name === "color" || name === "clarity" ? 1 : 0)) },
    { features: RICH },
  ),
  candidate(
    "constraint: carat too",
    { ...DEEP, monotone: RICH.map((name) => (["carat", "color", "clarity"].includes(name) ? 1 : 0)) },
    { features: RICH },
  ),
  candidate("bag: 2 of 250 rounds at 0.1", { ...DEEP, rounds: 250, eta: 0.1 }, { features: RICH, bag: 2 }),
  candidate("bag: 2 of 250 rounds at 0.07", { ...DEEP, rounds: 250, eta: 0.07 }, { features: RICH, bag: 2 }),
  candidate("bag: 4 of 125 rounds at 0.15", { ...DEEP, rounds: 125, eta: 0.15 }, { features: RICH, bag: 4 }),
  candidate("deep: weights price^0.5", DEEP, { features: RICH, weight: (price) => Math.sqrt(price) }),
  caratwise("per carat: colsample 0.35", { colsampleByTree: 0.35 }),
  caratwise("per carat: depth 8", { maxDepth: 8, rounds: 300 }),
  caratwise("per carat: depth 6", { maxDepth: 6, rounds: 800 }),
  caratwise("per carat: depth 9, min child weight 8", { maxDepth: 9, rounds: 300, minChildWeight: 8 }),
  caratwise("per carat: weights price^0.5", {}, { weight: (price) => Math.sqrt(price) }),
  caratwise("per carat: with z/x, x+y", {}, { features: [...RICH, "z/x", "x+y"] }),
  caratwise("per carat: without depth gap", {}, { features: RICH.filter((name) => name !== "depth gap") }),
  caratwise("per carat: with color+clarity+cut", {}, { features: [...RICH, "color+clarity+cut"] }),
  caratwise("bagged per carat: 2 of 230 rounds at 0.1", { rounds: 230, eta: 0.1 }, { bag: 2 }),
  caratwise("bagged per carat: 3 of 150 rounds at 0.12", { rounds: 150, eta: 0.12 }, { bag: 3 }),
  caratwise(
    "bagged per carat: 2 of 130 rounds at 0.1, depth 8",
    { rounds: 130, eta: 0.1, maxDepth: 8 },
    { bag: 2 },
  ),
  caratwise(
    "bagged per carat: 2 of 200 rounds at 0.1, weights price^0.5",
    { rounds: 200, eta: 0.1 },
    { bag: 2, weight: Math.sqrt },
  ),
  caratwise(
    "bagged per carat: 2 of 230 rounds at 0.1, colsample 0.6",
    { rounds: 230, eta: 0.1, colsampleByTree: 0.6 },
    { bag: 2 },
  ),
  ...RICH.map((left) =>
    eight(`depth 8: without ${left}`, {}, { features: RICH.filter((name) => name !== left) }),
  ),
  eight("depth 8: colsample 0.6", { colsampleByTree: 0.6 }),
  eight("depth 8: colsample 0.7", { colsampleByTree: 0.7 }),
  eight("depth 8: subsample 0.9", { subsample: 0.9 }),
  eight("depth 8: subsample 0.65", { subsample: 0.65 }),
  eight("depth 8: with depth+table", {}, { features: [...RICH, "depth+table"] }),
  eight("depth 8: with x*y", {}, { features: [...RICH, "x*y"] }),
  ...["x-y", "max/min", "z/min", "table fraction", "volume/(depth*x^3)"].map((extra) =>
    eight(`difference: with ${extra}`, {}, { features: [...RICH, extra] }),
  ),
  eight("difference: x-y for x/y", {}, { features: RICH.map((name) => (name === "x/y" ? "x-y" : name)) }),
  eight(
    "difference: x-y for volume",
    {},
    { features: RICH.map((name) => (name === "volume" ? "x-y" : name)) },
  ),
  eight(
    "difference: without volume, x",
    {},
    { features: RICH.filter((name) => name !== "volume" && name !== "x") },
  ),
  eight(
    "difference: without volume, 14 features, colsample 0.57",
    { colsampleByTree: 0.58 },
    { features: RICH.filter((name) => name !== "volume") },
  ),
  // As many rounds as eight times the leaves of the notebook settings allow.
  eight("uncorrected", { rounds: 220, colsampleByTree: 0.7, subsample: 0.9 }, { at: [220] }),
  eight("squared error", { rounds: 220, colsampleByTree: 0.7, subsample: 0.9 }, { at: [220], correct: true }),
  ...[0.2, 0.1, 0.05, 0.03].map((delta) => robust(`robust: delta ${delta} after 120`, delta, 120, {})),
  ...[0, 20, 60, 100].map((after) =>
    robust(`robust: after ${after}, eta 0.06`, 0.05, after, { eta: 0.06, rounds: 240 }),
  ),
  ...[0.065, 0.07].map((eta) => robust(`robust: eta ${eta}`, 0.05, 60, { eta, rounds: 230 })),
  robust("robust: min child weight 2", 0.05, 80, { eta: 0.06, rounds: 230, minChildWeight: 2 }),
  robust("robust: subsample 0.85", 0.05, 80, { eta: 0.06, rounds: 230, subsample: 0.85 }),
  robust("robust: subsample 1", 0.05, 80, { eta: 0.06, rounds: 230, subsample: 1 }),
  ...[
    { maxDepth: 9, rounds: 190, minChildWeight: 5 },
    { maxDepth: 7, rounds: 330 },
    { lambda: 2 },
    { lambda: 0.5 },
    { gamma: 0.005, rounds: 260 },
    { colsampleByTree: 0.5 },
  ].map((change) => robust(`robust: ${JSON.stringify(change)}`, 0.05, 60, { ...ROBUST, ...change })),
  ...["x*y", "z/x", "depth+table", "color+clarity", "color+clarity+cut", "max/min"].map((extra) =>
    robust(`robust: with ${extra}`, 0.05, 60, ROBUST, [...RICH, extra]),
  ),
  { ...robust("robust: uncorrected", 0.05, 60, ROBUST), correct: false },
  robust("chosen", 0.05, 60, ROBUST),
];
