import { ServiceUnavailable } from "../http/errors.ts";
import { DamagedChunkError } from "./archive/chunk.ts";

/**
 * Does for a caller what needs the log's objects in the bucket.
 * @throws Unavailable where the bucket fails; the error itself where what it gave is damaged.
 */
export async function withBucketErrors<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof DamagedChunkError || cause instanceof SyntaxError) throw cause;
    throw new ServiceUnavailable(
      "What the log keeps in the bucket cannot be reached at the moment. Try again in a few seconds.",
      cause,
    );
  }
}
