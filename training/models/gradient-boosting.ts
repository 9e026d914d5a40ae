import { COLUMN_FEATURES, createBoostedTreesModel, type Feature } from "./boosted-trees.ts";
import { encodeGrade } from "./grades.ts";

type AddNodes = Feature[1];

/**
 * Adds a pair of grades, ordered by one grade and then by the other. With it, one split of a tree separates for
 * example colour D with clarity IF from all other stones. The factor 8 is the number of clarity grades, the
 * longest list.
 */
const pairGrades =
  (first: "color" | "clarity", second: "color" | "clarity"): AddNodes =>
  (graph, stone) =>
    graph.add(
      graph.mul(graph.floatConstant(8), encodeGrade(graph, first, stone[first])),
      encodeGrade(graph, second, stone[second]),
    );

/**
 * Features that are computed from several columns: of the stone's shape, as gemmologists use them, and pairs of
 * grades. Each node rounds to float32. An imported XGBoost model may have these features too, by their names.
 */
export const DERIVED_FEATURES = {
  // The volume of the box around the stone, mm^3.
  volume: (graph, { x, y, z }) => graph.mul(graph.mul(x, y), z),
  // Carats per mm^3 of that box. It differs between shallow and deep stones of the same weight.
  density: (graph, { carat, x, y, z }) => graph.div(carat, graph.mul(graph.mul(x, y), z)),
  "x/y": (graph, { x, y }) => graph.div(x, y),
  // The depth computed from the sizes minus the depth given, in percent. A large gap means that one is wrong.
  "depth gap": (graph, { depth, x, y, z }) => {
    const computed = graph.div(graph.mul(graph.floatConstant(200), z), graph.add(x, y));
    return graph.sub(computed, depth);
  },
  "color, clarity": pairGrades("color", "clarity"),
  "clarity, color": pairGrades("clarity", "color"),
} as const satisfies Readonly<Record<string, AddNodes>>;

/** Boosted trees with the settings that cross-validation on training rows selected, see docs/decisions.md. */
export const gradientBoosting = createBoostedTreesModel({
  name: "gradient-boosting",
  features: [...COLUMN_FEATURES, ...Object.entries(DERIVED_FEATURES)],
  target: "log price per carat",
  parameters: {
    rounds: 235,
    maxDepth: 8,
    eta: 0.065,
    lambda: 1,
    alpha: 0,
    gamma: 0,
    minChildWeight: 3,
    maxBin: 256,
    subsample: 0.85,
    colsampleByTree: 0.6,
    baseScore: "mean",
    // A residual of 0.05 is a price that is 5 % wrong.
    huber: { delta: 0.05, after: 60 },
  },
});
