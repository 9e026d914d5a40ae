import { CUTS, NUMBER_COLUMNS, type NumberColumn, type PricedStone } from "../../src/domain/diamond.ts";
import {
  type Limits,
  type Plausibility,
  RELATION_RULES,
  RELATIONS,
  type Relation,
} from "../../src/domain/prediction/plausibility.ts";
import { countRareGrades } from "../../src/domain/prediction/rare-grades.ts";

/** With fewer training stones, their quantiles say little about other stones. */
const MIN_STONES = 100;
/** A cut grade with fewer stones takes the limits of all stones. */
const MIN_STONES_PER_CUT = 200;

/**
 * The quantiles of the usual values. They do not depend on misprints, as long as these are less than 1 % of the
 * stones.
 */
const USUAL_LEVELS = [0.01, 0.99] as const;
/** The limits are this many times further from the median than the usual values. */
const LIMIT_FACTOR = 2;
/**
 * The smallest distance of a limit from the median. Carats and millimetres are usually written with two
 * decimals, which is 1 % in a small stone. The depth is often written as a whole number.
 */
const MIN_RELATIVE_DISTANCE = 0.01;
const MIN_DEPTH_DISTANCE_POINTS = 0.5;

/** Finds the usual values and the limits of columns and relations, and the rare grades; null if there are too few stones. */
export function fitPlausibility(stones: readonly PricedStone[]): Plausibility | null {
  if (stones.length < MIN_STONES) return null;
  const columns = NUMBER_COLUMNS.map((name) => [name, fitColumn(stones, name)] as const);
  const stonesByCut = Map.groupBy(stones, ({ cut }) => cut);
  const groups = CUTS.map((cut) => {
    const ofCut = stonesByCut.get(cut) ?? [];
    return [cut, ofCut.length < MIN_STONES_PER_CUT ? stones : ofCut] as const;
  });
  const relations = RELATIONS.map((relation) => {
    const byCut = groups.map(([cut, group]) => [cut, fitRelation(group, relation)] as const);
    return [relation, Object.fromEntries(byCut)] as const;
  });
  const rareGrades = countRareGrades(stones);
  return {
    columns: Object.fromEntries(columns),
    relations: Object.fromEntries(relations),
    ...(Object.keys(rareGrades).length > 0 && { rareGrades }),
  };
}

/** The limits of a column are also never wider than the values of the training stones. */
function fitColumn(stones: readonly PricedStone[], name: NumberColumn): Limits {
  const values = Float64Array.from(stones, (stone) => stone[name]).sort();
  const { usual, limits } = fitRatioLimits(values);
  const [low, high] = limits;
  return { usual, limits: [Math.max(low, values[0]!), Math.min(high, values.at(-1)!)] };
}

function fitRelation(stones: readonly PricedStone[], relation: Relation): Limits {
  const values = Float64Array.from(stones, RELATION_RULES[relation].compute).sort();
  return relation === "depth by size" ? fitLimits(values, MIN_DEPTH_DISTANCE_POINTS) : fitRatioLimits(values);
}

/** Finds the limits of values above 0 on the logarithmic scale: half is as far from the median as double. */
function fitRatioLimits(sorted: Float64Array): Limits {
  const { usual, limits } = fitLimits(sorted.map(Math.log), MIN_RELATIVE_DISTANCE);
  return { usual: mapInterval(usual, Math.exp), limits: mapInterval(limits, Math.exp) };
}

function fitLimits(sorted: Float64Array, minDistance: number): Limits {
  const at = (level: number) => sorted[Math.round(level * (sorted.length - 1))]!;
  const median = at(0.5);
  const usual: Limits["usual"] = [at(USUAL_LEVELS[0]), at(USUAL_LEVELS[1])];
  const below = Math.max(LIMIT_FACTOR * (median - usual[0]), minDistance);
  const above = Math.max(LIMIT_FACTOR * (usual[1] - median), minDistance);
  return { usual, limits: [median - below, median + above] };
}

/** Rounds to nine digits too: `Math.exp(Math.log(0.3))` is 0.29999999999999993. */
function mapInterval([low, high]: Limits["usual"], map: (value: number) => number): Limits["usual"] {
  const round = (value: number) => Number(map(value).toPrecision(9));
  return [round(low), round(high)];
}
