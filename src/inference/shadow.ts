import { describeError } from "../db/errors.ts";
import type { ServedModel } from "../db/registry/models.ts";
import type { RequestRecord } from "../db/request-log/requests.ts";
import type { Stone } from "../domain/diamond.ts";
import { formatVersion } from "../domain/model-selector.ts";
import { toPrediction } from "../domain/prediction.ts";
import type { AppContext } from "../http/context.ts";
import { withTimeout } from "../lib/single-flight.ts";
import { runModel } from "./predict.ts";

/** The record in the log waits for it so long. */
const PATIENCE_MS = 2_000;

export type ShadowResult = Pick<RequestRecord, "shadowModel" | "shadowVersion" | "shadowPrice">;

/**
 * What a challenger would have answered, once the response is on its way. Where it has no price in time
 * the log names it without one. Never throws.
 */
export async function priceInShadow(c: AppContext, model: ServedModel, stone: Stone): Promise<ShadowResult> {
  const challenger = { shadowModel: model.name, shadowVersion: model.version };
  try {
    await scheduler.wait(0);
    const [price = Number.NaN] = await withTimeout(PATIENCE_MS, runModel(c, model, [stone]));
    return { ...challenger, shadowPrice: toPrediction(stone, price, model.ranges)?.price ?? null };
  } catch (error) {
    console.warn(`the challenger ${formatVersion(model)} has no price: ${describeError(error)}`);
    return { ...challenger, shadowPrice: null };
  }
}
