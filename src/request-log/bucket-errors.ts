import { ServiceUnavailable } from "../http/errors.ts";
import { DamagedChunkError } from "./archive/chunk.ts";

/**
 * Runs work that reads or deletes objects of the log in the bucket.
 * @throws ServiceUnavailable if the bucket fails; the error itself if an object is damaged.
 */
export async function withBucketErrors<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work();
  } catch (cause) {
    if (cause instanceof DamagedChunkError || cause instanceof SyntaxError) throw cause;
    throw new ServiceUnavailable(
      "The storage of the log is temporarily unavailable. Try again in a few seconds.",
      cause,
    );
  }
}
