import type { Diamonds } from "./diamonds.ts";

type Feature = (stones: Diamonds, row: number) => number;

const f = Math.fround;
const plain =
  (name: keyof Diamonds): Feature =>
  (stones, row) =>
    stones[name][row]!;

/** Millimetres cubed: the box around the stone. Float32 in this order, as a graph's Mul nodes compute it. */
const volume: Feature = ({ x, y, z }, row) => f(f(x[row]! * y[row]!) * z[row]!);

/** Features that the search may choose, each computable by plain float32 nodes of a graph. */
export const FEATURES: Record<string, Feature> = {
  carat: plain("carat"),
  cut: plain("cut"),
  color: plain("color"),
  clarity: plain("clarity"),
  depth: plain("depth"),
  table: plain("table"),
  x: plain("x"),
  y: plain("y"),
  z: plain("z"),
  volume,
  density: (stones, row) => f(stones.carat[row]! / volume(stones, row)),
  "x/y": ({ x, y }, row) => f(x[row]! / y[row]!),
  "z/x": ({ x, z }, row) => f(z[row]! / x[row]!),
  "z/y": ({ y, z }, row) => f(z[row]! / y[row]!),
  "x-y": ({ x, y }, row) => f(x[row]! - y[row]!),
  "max/min": ({ x, y }, row) => f(Math.max(x[row]!, y[row]!) / Math.min(x[row]!, y[row]!)),
  "z/min": ({ x, y, z }, row) => f(z[row]! / Math.min(x[row]!, y[row]!)),
  "table fraction": ({ table }, row) => f(table[row]! - Math.floor(table[row]!)),
  "volume/(depth*x^3)": (stones, row) =>
    f(volume(stones, row) / f(f(f(stones.x[row]! * stones.x[row]!) * stones.x[row]!) * stones.depth[row]!)),
  "x*y": ({ x, y }, row) => f(x[row]! * y[row]!),
  "x+y": ({ x, y }, row) => f(x[row]! + y[row]!),
  /** What the measurements say of the depth percentage, less what is written. */
  "depth gap": ({ x, y, z, depth }, row) => f(f(f(200 * z[row]!) / f(x[row]! + y[row]!)) - depth[row]!),
  "depth+table": ({ depth, table }, row) => f(depth[row]! + table[row]!),
  "table*x": ({ table, x }, row) => f(table[row]! * x[row]!),
  "color+clarity": ({ color, clarity }, row) => color[row]! + clarity[row]!,
  "color+clarity+cut": ({ color, clarity, cut }, row) => color[row]! + clarity[row]! + cut[row]!,
  "8*color+clarity": ({ color, clarity }, row) => 8 * color[row]! + clarity[row]!,
  "8*clarity+color": ({ color, clarity }, row) => 8 * clarity[row]! + color[row]!,
  "carat*(color+clarity)": ({ carat, color, clarity }, row) => f(carat[row]! * (color[row]! + clarity[row]!)),
  "carat*color": ({ carat, color }, row) => f(carat[row]! * color[row]!),
  "carat*clarity": ({ carat, clarity }, row) => f(carat[row]! * clarity[row]!),
};

export const PLAIN = ["carat", "cut", "color", "clarity", "depth", "table", "x", "y", "z"];
export const GEOMETRY = [...PLAIN, "volume", "density", "x/y"];
