import { CUTS, MEASUREMENTS, type Measurement, type PricedStone } from "../../src/domain/diamond.ts";
import { median } from "../../src/lib/statistics.ts";
import type { Graph, GraphValue } from "../onnx/graph.ts";
import type { StoneValues } from "../onnx/stone-inputs.ts";
import type { PriceModel } from "./model.ts";

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
 * Adds the nodes that compute a model's features, float [N, F], from stones that may have missing
 * measurements (NaN). Most batches have none, and then the nodes of the completion do not run: they take
 * longer than those of the features. The completion does not change complete stones, so the features of a
 * stone do not depend on the other stones of the batch.
 */
export function addCompletedFeatures(
  graph: Graph,
  stone: StoneValues,
  constants: CompletionConstants,
  model: Pick<PriceModel, "addFeatures">,
): GraphValue {
  const columns = MEASUREMENTS.map((name) => stone[name]);
  // The sum is NaN if one of the measurements is NaN.
  return graph.if(
    graph.isNaN(graph.reduceSum(graph.concat(columns, 0))),
    (branch) => model.addFeatures(branch, addCompletion(branch, stone, constants)),
    (branch) => model.addFeatures(branch, stone),
  );
}

/**
 * Adds the nodes that complete missing measurements (NaN). Present measurements do not change.
 * A measurement is computed from the geometry if possible (total depth is 200 z / (x + y)), else from the
 * weight (the volume x y z is proportional to carat).
 */
function addCompletion(graph: Graph, stone: StoneValues, constants: CompletionConstants): StoneValues {
  const { carat, cut } = stone;
  const addConstant = (value: number) => graph.floatConstant(value);
  const isMissing = (name: Measurement) => graph.isNaN(stone[name]);
  const replaceMissing = (name: Measurement, replacement: GraphValue) =>
    graph.where(isMissing(name), replacement, stone[name]);
  const ratio = addConstant(constants.widthRatio);
  const volume = graph.mul(carat, graph.encodeLabels(cut, constants.volumePerCarat));
  const usualDepth = replaceMissing("depth", graph.encodeLabels(cut, constants.depth));

  // If x and y are missing, the length is computed from the volume and z, or from the volume and the depth.
  const lengthFromZ = graph.sqrt(graph.div(volume, graph.mul(stone.z, ratio)));
  const shape = graph.mul(usualDepth, addConstant((constants.widthRatio * (1 + constants.widthRatio)) / 200));
  const lengthFromDepth = graph.pow(graph.div(volume, shape), addConstant(1 / 3));
  const length = graph.where(isMissing("z"), lengthFromDepth, lengthFromZ);

  const x = replaceMissing("x", graph.where(isMissing("y"), length, graph.div(stone.y, ratio)));
  const y = replaceMissing("y", graph.mul(x, ratio));
  const xPlusY = graph.add(x, y);
  const zFromDepth = graph.div(graph.mul(stone.depth, xPlusY), addConstant(200));
  const zFromVolume = graph.div(volume, graph.mul(x, y));
  const z = replaceMissing("z", graph.where(isMissing("depth"), zFromVolume, zFromDepth));
  const depth = replaceMissing("depth", graph.div(graph.mul(addConstant(200), z), xPlusY));
  const table = replaceMissing("table", graph.encodeLabels(cut, constants.table));
  return { ...stone, depth, table, x, y, z };
}
