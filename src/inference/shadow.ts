import { describeError } from "../db/errors.ts";
import type { RequestRecord } from "../db/request-log/requests.ts";
import { formatVersion } from "../domain/models/model-reference.ts";
import { roundPrice } from "../domain/prediction/prediction.ts";
import type { AppContext, ShadowRequest } from "../http/context.ts";
import { withTimeout } from "../lib/timeout.ts";
import { SHADOW_TIMEOUT_MS } from "../settings/timeouts.ts";
import { runModel } from "./predict.ts";

type ShadowColumns = Pick<RequestRecord, "shadowModel" | "shadowVersion" | "shadowPrice">;

/**
 * Prices a stone with the challenger after the response and returns the columns for the log. The price is
 * null if there is none within the timeout. Never throws.
 */
export async function predictShadow(
  c: AppContext,
  { challenger, stone }: ShadowRequest,
): Promise<ShadowColumns> {
  const columns = { shadowModel: challenger.name, shadowVersion: challenger.version };
  try {
    // Yields to the event loop, so that the response is sent before the model runs.
    await scheduler.wait(0);
    const [price = Number.NaN] = await withTimeout(
      SHADOW_TIMEOUT_MS,
      runModel(c, challenger, [stone], "alias"),
    );
    return { ...columns, shadowPrice: roundPrice(price) };
  } catch (error) {
    console.warn(
      `the challenger ${formatVersion(challenger)} could not price a stone: ${describeError(error)}`,
    );
    return { ...columns, shadowPrice: null };
  }
}
