import { UserError } from "../../cloudflare/user-error.ts";
import type { Stone } from "../../src/domain/diamond.ts";
import { loadModel } from "./runtime.ts";
import { toStoneTensors } from "./stone-tensors.ts";

/** Stones in one call of the runtime, whose memory grows with them. */
const CHUNK_STONES = 10_000;

/**
 * Runs an ONNX file over stones and returns the prices in US dollars. The Worker returns the same prices.
 * @throws UserError if the model fails: an imported model may do so for a grade or a size that it does not know
 */
export async function predictPrices(bytes: Uint8Array, stones: readonly Stone[]): Promise<Float32Array> {
  const model = await loadModel(bytes);
  try {
    const prices = new Float32Array(stones.length);
    for (let start = 0; start < stones.length; start += CHUNK_STONES) {
      const chunk = stones.slice(start, start + CHUNK_STONES);
      const { price } = await model.run(toStoneTensors(chunk)).catch((cause: Error) => {
        throw new UserError(`the model fails for some of the stones: ${cause.message}`, { cause });
      });
      if (price === undefined) throw new UserError("the model has no output named price");
      if (price.data.length !== chunk.length)
        throw new UserError(`the model has ${price.data.length} prices for ${chunk.length} stones`);
      prices.set(price.data, start);
    }
    return prices;
  } finally {
    await model.release();
  }
}
