import type { Stone } from "../../src/domain/diamond.ts";
import {
  attributePrice,
  type Background,
  buildCoalitions,
  FEATURE_GROUPS,
} from "../../src/domain/prediction/explanation.ts";
import type { LoadedModel } from "../../training/onnx/runtime.ts";
import { averageMarginalEffects } from "./shapley.ts";

/** Computes the effects on the price of a stone by one run of the model, as the Worker does. */
export async function computeEffects(model: LoadedModel, stone: Stone, background: Background) {
  const { price } = await model.run(buildCoalitions(stone, background));
  return { price: price!.data.at(-1)!, ...attributePrice(price!.data)! };
}

/**
 * Computes the same by the definition: the stones of each coalition one by one, and the mean over all orders.
 */
export async function computeEffectsByOrders(model: LoadedModel, stone: Stone, background: Background) {
  const groups: readonly (readonly string[])[] = Object.values(FEATURE_GROUPS);
  const size = background.carat.length;
  const values: number[] = [];
  for (let coalition = 0; coalition < 2 ** groups.length; coalition++) {
    const taken = groups.flatMap((columns, group) => ((coalition >> group) & 1 ? columns : []));
    const inputs = Object.fromEntries(
      Object.entries(background).map(([name, list]) => {
        const own = stone[name as keyof Stone] ?? Number.NaN;
        const cells = taken.includes(name) ? Array<string | number>(size).fill(own) : list;
        return [
          name,
          typeof list[0] === "string" ? (cells as string[]) : Float32Array.from(cells as number[]),
        ];
      }),
    );
    const { price } = await model.run(inputs);
    const logs = Array.from(price!.data, Math.log);
    values.push(logs.reduce((sum, log) => sum + log, 0) / size);
  }
  return { basePrice: Math.exp(values[0]!), effects: averageMarginalEffects(values) };
}
