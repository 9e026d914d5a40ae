import { CUTS, type PricedStone } from "../../src/domain/diamond.ts";
import { median } from "../../src/lib/statistics.ts";
import type { Graph, Value } from "../onnx/graph.ts";
import { lookUp } from "./grades.ts";
import type { StoneValues } from "./model.ts";

/** What a stone's missing measurements are completed from; all are medians over the training rows. */
export interface CompletionConstants {
  /** y / x: stones are nearly round. */
  readonly widthRatio: number;
  /** x y z / carat by cut, mm^3 a carat: weight is volume times diamond's density, times the shape's fill. */
  readonly volumePerCarat: ReadonlyMap<string, number>;
  /** Total depth by cut, percent. */
  readonly depth: ReadonlyMap<string, number>;
  /** Table width by cut, percent. */
  readonly table: ReadonlyMap<string, number>;
}

export function fitCompletion(stones: readonly PricedStone[]): CompletionConstants {
  const byCut = (value: (stone: PricedStone) => number): ReadonlyMap<string, number> => {
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
    volumePerCarat: byCut((stone) => (stone.x * stone.y * stone.z) / stone.carat),
    depth: byCut((stone) => stone.depth),
    table: byCut((stone) => stone.table),
  };
}

/**
 * Adds the nodes that fill in missing measurements (NaN); measurements that are there pass unchanged.
 * Geometry first (total depth is 200 z / (x + y)), then weight (volume x y z is proportional to carat).
 */
export function complete(graph: Graph, stone: StoneValues, constants: CompletionConstants): StoneValues {
  const { carat, cut } = stone;
  const number = (value: number) => graph.float(value);
  const or = (value: Value, otherwise: Value) => graph.where(graph.isNaN(value), otherwise, value);
  const ratio = number(constants.widthRatio);
  const volume = graph.mul(carat, lookUp(graph, cut, constants.volumePerCarat, Number.NaN));
  const usualDepth = or(stone.depth, lookUp(graph, cut, constants.depth, Number.NaN));

  // Neither x nor y: from the volume and z, or from the volume and the depth percentage.
  const fromZ = graph.sqrt(graph.div(volume, graph.mul(stone.z, ratio)));
  const shape = graph.mul(usualDepth, number((constants.widthRatio * (1 + constants.widthRatio)) / 200));
  const fromDepth = graph.pow(graph.div(volume, shape), number(1 / 3));
  const lengthAlone = or(fromZ, fromDepth);

  const x = or(stone.x, or(graph.div(stone.y, ratio), lengthAlone));
  const y = or(stone.y, graph.mul(x, ratio));
  const girdle = graph.add(x, y);
  const zOfDepth = graph.div(graph.mul(stone.depth, girdle), number(200));
  const z = or(stone.z, or(zOfDepth, graph.div(volume, graph.mul(x, y))));
  const depth = or(stone.depth, graph.div(graph.mul(number(200), z), girdle));
  const table = or(stone.table, lookUp(graph, cut, constants.table, Number.NaN));
  return { ...stone, depth, table, x, y, z };
}
