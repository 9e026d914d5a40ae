import { CUTS, type PricedStone } from "../../src/domain/diamond.ts";
import { median } from "../../src/lib/statistics.ts";
import type { Graph, GraphValue } from "../onnx/graph.ts";
import type { StoneValues } from "../onnx/stone-inputs.ts";

/** The constants that missing measurements are computed with. All are medians over the training stones. */
export interface CompletionConstants {
  /** y / x. It is close to 1, because most stones are round. */
  readonly widthRatio: number;
  /** x y z / carat for each cut, in mm^3 per carat. It depends on the density of diamond and on the shape. */
  readonly volumePerCarat: ReadonlyMap<string, number>;
  /** Total depth for each cut, percent. */
  readonly depth: ReadonlyMap<string, number>;
  /** Table width for each cut, percent. */
  readonly table: ReadonlyMap<string, number>;
}

export function fitCompletion(stones: readonly PricedStone[]): CompletionConstants {
  const computeMedianByCut = (value: (stone: PricedStone) => number): ReadonlyMap<string, number> => {
    const overall = median(stones.map(value));
    return new Map(
      CUTS.map((cut) => {
        const values = stones.filter((stone) => stone.cut === cut).map(value);
        return [cut, values.length > 0 ? median(values) : overall];
      }),
    );
  };
  return {
    widthRatio: median(stones.map((stone) => stone.y / stone.x)),
    volumePerCarat: computeMedianByCut((stone) => (stone.x * stone.y * stone.z) / stone.carat),
    depth: computeMedianByCut((stone) => stone.depth),
    table: computeMedianByCut((stone) => stone.table),
  };
}

/**
 * Adds the nodes that complete missing measurements (NaN). Present measurements do not change.
 * A measurement is computed from the geometry if possible (total depth is 200 z / (x + y)), else from the
 * weight (the volume x y z is proportional to carat).
 */
export function addCompletion(graph: Graph, stone: StoneValues, constants: CompletionConstants): StoneValues {
  const { carat, cut } = stone;
  const addConstant = (value: number) => graph.floatConstant(value);
  const replaceMissing = (value: GraphValue, replacement: GraphValue) =>
    graph.where(graph.isNaN(value), replacement, value);
  const ratio = addConstant(constants.widthRatio);
  const volume = graph.mul(carat, graph.encodeLabels(cut, constants.volumePerCarat));
  const usualDepth = replaceMissing(stone.depth, graph.encodeLabels(cut, constants.depth));

  // If x and y are missing, the length is computed from the volume and z, or from the volume and the depth.
  const lengthFromZ = graph.sqrt(graph.div(volume, graph.mul(stone.z, ratio)));
  const shape = graph.mul(usualDepth, addConstant((constants.widthRatio * (1 + constants.widthRatio)) / 200));
  const lengthFromDepth = graph.pow(graph.div(volume, shape), addConstant(1 / 3));
  const length = replaceMissing(lengthFromZ, lengthFromDepth);

  const x = replaceMissing(stone.x, replaceMissing(graph.div(stone.y, ratio), length));
  const y = replaceMissing(stone.y, graph.mul(x, ratio));
  const xPlusY = graph.add(x, y);
  const zFromDepth = graph.div(graph.mul(stone.depth, xPlusY), addConstant(200));
  const z = replaceMissing(stone.z, replaceMissing(zFromDepth, graph.div(volume, graph.mul(x, y))));
  const depth = replaceMissing(stone.depth, graph.div(graph.mul(addConstant(200), z), xPlusY));
  const table = replaceMissing(stone.table, graph.encodeLabels(cut, constants.table));
  return { ...stone, depth, table, x, y, z };
}
