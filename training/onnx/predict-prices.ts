import { UserError } from "../../cloudflare/user-error.ts";
import type { Stone } from "../../src/domain/diamond.ts";
import { createModel } from "./runtime.ts";
import { stoneTensors } from "./stone-tensors.ts";

/** Prices stones with an ONNX file, US dollars, as the Worker does. */
export async function predictPrices(bytes: Uint8Array, stones: readonly Stone[]): Promise<Float32Array> {
  const model = await createModel(bytes);
  try {
    const { price } = await model.run(stoneTensors(stones));
    if (price === undefined) throw new UserError("the model has no output named price");
    return price.data;
  } finally {
    await model.release();
  }
}
