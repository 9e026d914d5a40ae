import { boostedTrees, COLUMNS, type Feature } from "./boosted-trees.ts";
import { gradeCode } from "./grades.ts";

/** What gemmology looks at beside the columns themselves, each rounded to float32 node by node. */
const SHAPE: readonly Feature[] = [
  // The box around the stone, mm^3, and how much of it is diamond: a spread or a deep stone of one weight.
  ["volume", (graph, { x, y, z }) => graph.mul(graph.mul(x, y), z)],
  ["density", (graph, { carat, x, y, z }) => graph.div(carat, graph.mul(graph.mul(x, y), z))],
  ["x/y", (graph, { x, y }) => graph.div(x, y)],
  // Depth as measured less depth as written, in percent: where they differ, one of them is mistyped.
  [
    "depth gap",
    (graph, { depth, x, y, z }) => {
      const measured = graph.div(graph.mul(graph.float(200), z), graph.add(x, y));
      return graph.sub(measured, depth);
    },
  ],
];

/** The grades in pairs, ordered by one and then by the other: a tree parts D-IF from the rest in one split. */
const PAIRS: readonly Feature[] = (["color", "clarity"] as const).map((first): Feature => {
  const second = first === "color" ? "clarity" : "color";
  return [
    `${first}, ${second}`,
    (graph, stone) =>
      graph.add(
        graph.mul(graph.float(8), gradeCode(graph, first, stone[first])),
        gradeCode(graph, second, stone[second]),
      ),
  ];
});

/** Boosted trees at the settings that cross-validation on training rows chose: docs/decisions.md. */
export const gradientBoosting = boostedTrees({
  name: "gradient-boosting",
  features: [...COLUMNS, ...SHAPE, ...PAIRS],
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
    monotone: [],
    // A residual of 0.05 is a price 5 % off.
    huber: { delta: 0.05, after: 60 },
  },
});
