import { Unavailable } from "../http/errors.ts";
import { DamagedPart } from "./archive/chunk.ts";

/**
 * Does for a caller what needs the log's objects in the bucket.
 * @throws Unavailable where the bucket fails; the error itself where what it gave is damaged.
 */
export async function fromBucket<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof DamagedPart || cause instanceof SyntaxError) throw cause;
    throw new Unavailable(
      "What the log keeps in the bucket cannot be reached at the moment. Try again in a few seconds.",
      cause,
    );
  }
}
