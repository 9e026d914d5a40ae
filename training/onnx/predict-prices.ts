import { UserError } from "../../cloudflare/user-error.ts";
import type { Stone } from "../../src/domain/diamond.ts";
import { loadModel } from "./runtime.ts";
import { toStoneTensors } from "./stone-tensors.ts";

/** Runs an ONNX file over stones and returns the prices in US dollars. The Worker returns the same prices. */
export async function predictPrices(bytes: Uint8Array, stones: readonly Stone[]): Promise<Float32Array> {
  const model = await loadModel(bytes);
  try {
    const { price } = await model.run(toStoneTensors(stones));
    if (price === undefined) throw new UserError("the model has no output named price");
    return price.data;
  } finally {
    await model.release();
  }
}
