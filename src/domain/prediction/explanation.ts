/**
 * Explains a price by the Shapley values of groups of columns (Shapley, A value for n-person games, 1953). The
 * value of a group is the average change of the price over all orders in which the groups of a typical stone
 * are replaced by those of the stone. It is computed on the logarithm of the price, so it is a factor.
 */
import { z } from "zod";
import { GRADE_COLUMNS, type GradeColumn, type NumberColumn, type Stone } from "../diamond.ts";

/** The groups of columns. Each gets one reason. */
export const FEATURE_GROUPS = {
  size: ["carat", "x", "y", "z"],
  cut: ["cut"],
  color: ["color"],
  clarity: ["clarity"],
  proportions: ["depth", "table"],
} as const satisfies Record<string, readonly (NumberColumn | GradeColumn)[]>;
type FeatureGroup = keyof typeof FEATURE_GROUPS;

const GROUPS = Object.keys(FEATURE_GROUPS) as [FeatureGroup, ...FeatureGroup[]];
/** A coalition is a set of groups, written as bits: bit i stands for group i. */
const COALITION_COUNT = 2 ** GROUPS.length;
const FULL_COALITION = COALITION_COUNT - 1;

const numbers = z.array(z.number());
const grades = z.array(z.string());

/** Some training stones, by column. */
export const Background = z
  .object({
    carat: numbers,
    depth: numbers,
    table: numbers,
    x: numbers,
    y: numbers,
    z: numbers,
    cut: grades,
    color: grades,
    clarity: grades,
  } satisfies Record<NumberColumn | GradeColumn, unknown>)
  .meta({
    id: "Background",
    description: "The training stones that a stone is compared with when its price is explained, by column.",
  });
export type Background = z.infer<typeof Background>;

/** The inputs of a model: a list of numbers or of texts for each column. */
export type StoneColumns = Readonly<Record<string, Float32Array | string[]>>;

/**
 * Makes the stones whose prices {@link computeExplanation} needs: for each coalition, all background stones
 * with the groups of the coalition replaced by those of the stone; at the end the stone itself.
 */
export function buildCoalitions(stone: Stone, background: Background): StoneColumns {
  const size = background.carat.length;
  const rows = size * FULL_COALITION + 1;
  const columns: Record<string, Float32Array | string[]> = {};
  for (const [group, names] of Object.values(FEATURE_GROUPS).entries()) {
    const usesStone = (row: number) => row === rows - 1 || ((Math.floor(row / size) >> group) & 1) === 1;
    for (const name of names as readonly (NumberColumn | GradeColumn)[]) {
      if (isGrade(name)) {
        const values = background[name];
        columns[name] = Array.from({ length: rows }, (_, row) =>
          usesStone(row) ? stone[name] : values[row % size]!,
        );
      } else {
        const values = background[name];
        const value = stone[name] ?? Number.NaN;
        const cells = new Float32Array(rows);
        for (let row = 0; row < rows; row++) cells[row] = usesStone(row) ? value : values[row % size]!;
        columns[name] = cells;
      }
    }
  }
  return columns;
}

function isGrade(name: NumberColumn | GradeColumn): name is GradeColumn {
  return (GRADE_COLUMNS as readonly string[]).includes(name);
}

/** The typical price, US dollars, and the effect of each group on the logarithm of the price. */
export interface Attribution {
  readonly basePrice: number;
  /** In the order of {@link FEATURE_GROUPS}. Their sum is log(price / basePrice). */
  readonly effects: readonly number[];
}

/**
 * Computes the effect of each group.
 * @param prices of the stones of {@link buildCoalitions}, US dollars
 * @returns null if one of the prices is not a positive number
 */
export function attributePrice(prices: ArrayLike<number>): Attribution | null {
  const size = (prices.length - 1) / FULL_COALITION;
  const logPrices = Float64Array.from(prices, Math.log);
  if (!logPrices.every(Number.isFinite)) return null;
  const values = Array.from({ length: FULL_COALITION }, (_, coalition) => {
    let sum = 0;
    for (let i = 0; i < size; i++) sum += logPrices[coalition * size + i]!;
    return sum / size;
  });
  values.push(logPrices.at(-1)!);
  return { basePrice: Math.exp(values[0]!), effects: computeShapleyValues(values) };
}

/**
 * Computes the Shapley value of each player of a game.
 * @param values the value of each coalition: 2^n numbers, where bit i of the index stands for player i
 */
export function computeShapleyValues(values: readonly number[]): number[] {
  const players = Math.log2(values.length);
  // A coalition with k of the other players comes about in k! (n - 1 - k)! of the n! orders.
  const weights = Array.from({ length: players }, (_, k) => 1 / (players * binomial(players - 1, k)));
  return Array.from({ length: players }, (_, player) => {
    let sum = 0;
    for (let coalition = 0; coalition < values.length; coalition++) {
      if ((coalition >> player) & 1) continue;
      sum += weights[countBits(coalition)]! * (values[coalition | (1 << player)]! - values[coalition]!);
    }
    return sum;
  });
}

function binomial(n: number, k: number): number {
  let result = 1;
  for (let i = 1; i <= k; i++) result *= (n - k + i) / i;
  return result;
}

function countBits(bits: number): number {
  let count = 0;
  for (let rest = bits; rest > 0; rest >>= 1) count += rest & 1;
  return count;
}

const PriceReason = z
  .object({
    feature: z.enum(GROUPS).meta({
      description:
        "What the reason is about. `size` is the weight with x, y and z; `proportions` are depth and table.",
      example: "clarity",
    }),
    value: z.string().meta({ description: "What the stone has.", example: "SI2" }),
    factor: z.number().positive().meta({
      description: "The price of a typical stone is multiplied by this.",
      example: 0.861,
    }),
    amount: z.number().meta({
      description: "The difference from the price of a typical stone, US dollars.",
      example: -512.4,
    }),
    text: z.string().meta({
      description: "The reason as a sentence for a customer.",
      example: "Clarity SI2: 14 % below a typical stone",
    }),
  })
  .meta({ id: "PriceReason", description: "The effect of one property on the price." });
type PriceReason = z.infer<typeof PriceReason>;

export const Explanation = z
  .object({
    basePrice: z.number().positive().meta({
      description:
        "The price of a typical stone, US dollars: the geometric mean of the model's prices of some training stones.",
      example: 2455.1,
    }),
    reasons: z.array(PriceReason).meta({ description: "The largest amount first." }),
  })
  .meta({
    id: "Explanation",
    description:
      "Why the price is what it is. `basePrice` times all factors is the price, and so is `basePrice` plus all amounts.",
  });
export type Explanation = z.infer<typeof Explanation>;

/**
 * Makes the reasons for a price that is rounded to cents. The amounts are in cents and add up to the price
 * exactly. The factors have seven decimals.
 */
export function explainPrice(stone: Stone, price: number, { basePrice, effects }: Attribution): Explanation {
  const base = Math.round(basePrice * 100) / 100;
  // The rounding of both prices, at most some millionths, is spread over the factors.
  const rounding = (Math.log(price / base) - sum(effects)) / effects.length;
  const roundedEffects = effects.map((effect) => effect + rounding);
  const cents = roundToTotal(
    toAmounts(base, price, roundedEffects).map((amount) => amount * 100),
    Math.round(price * 100) - Math.round(base * 100),
  );
  const reasons = GROUPS.map((feature, i): PriceReason => {
    const factor = Math.exp(roundedEffects[i]!);
    const { value, title } = describeGroup(feature, stone);
    return {
      feature,
      value,
      factor: Math.round(factor * 1e7) / 1e7,
      amount: cents[i]! / 100,
      text: `${title}: ${describeFactor(factor)} a typical stone`,
    };
  });
  return { basePrice: base, reasons: reasons.sort((a, b) => Math.abs(b.amount) - Math.abs(a.amount)) };
}

/**
 * Divides the difference between two prices among effects on its logarithm, in proportion to them. The factor
 * is the logarithmic mean of the prices (logarithmic mean Divisia index: Ang, Energy Policy 32, 2004).
 */
export function toAmounts(basePrice: number, price: number, effects: readonly number[]): number[] {
  const total = Math.log(price / basePrice);
  const mean = Math.abs(total) < 1e-9 ? price : (price - basePrice) / total;
  return effects.map((effect) => effect * mean);
}

/** Rounds numbers to integers whose sum is `total`: the largest remainders are rounded up. */
function roundToTotal(values: readonly number[], total: number): number[] {
  const floors = values.map(Math.floor);
  const missing = total - sum(floors);
  const order = values
    .map((value, i) => ({ i, remainder: value - floors[i]! }))
    .sort((a, b) => b.remainder - a.remainder);
  for (const { i } of order.slice(0, missing)) floors[i]! += 1;
  return floors;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

function describeGroup(group: FeatureGroup, stone: Stone): { value: string; title: string } {
  switch (group) {
    case "size":
      return { value: `${stone.carat} ct`, title: `Size ${stone.carat} ct` };
    case "cut":
      return { value: stone.cut, title: `Cut ${stone.cut}` };
    case "color":
      return { value: stone.color, title: `Colour ${stone.color}` };
    case "clarity":
      return { value: stone.clarity, title: `Clarity ${stone.clarity}` };
    case "proportions": {
      const given = FEATURE_GROUPS.proportions
        .filter((name) => stone[name] !== undefined)
        .map((name) => `${name} ${stone[name]} %`);
      const value = given.length > 0 ? given.join(", ") : "not given";
      return { value, title: `Proportions (${value})` };
    }
  }
}

/** Describes a factor for a customer: `14 % below`, `5.2 times`. */
function describeFactor(factor: number): string {
  if (factor >= 2) return `${factor.toFixed(1)} times the price of`;
  const percent = Math.abs(factor - 1) * 100;
  const text = percent.toFixed(percent < 9.95 ? 1 : 0);
  if (text === "0.0") return "the same as";
  return `${text} % ${factor < 1 ? "below" : "above"}`;
}
