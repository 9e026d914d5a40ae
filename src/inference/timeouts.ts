/**
 * Time limits for loading and running models, in milliseconds. The limit of a shadow prediction is in
 * src/settings.
 */

/** How long a request waits for a model to load. It waits less if the last load of that model timed out. */
export const LOAD_TIMEOUT_MS = { usual: 15_000, afterTimeout: 1_000 };

/** A load that takes longer gives up its memory if another one needs it: its request may have been stopped. */
export const LOAD_LOST_AFTER_MS = LOAD_TIMEOUT_MS.usual;

/** How long a model that failed to load is not loaded again, by the kind of failure. */
export const RETRY_DELAY_MS = { invalidFile: 10_000, bucketError: 1_000, timeout: 5_000 };

/** How long a call into the ONNX runtime waits for the call before it. Then its request is refused. */
export const RUNTIME_WAIT_MS = 10_000;

/**
 * A call of the runtime that takes longer counts as lost. It cannot overlap with the next one: a call only
 * computes, so no other request of the isolate runs until it ends, and one that sees it unfinished after a
 * minute sees a call that the platform has stopped. The start of the runtime does wait, for a second or two,
 * where it does not happen with the start of the isolate.
 */
export const RUNTIME_CALL_LOST_AFTER_MS = 60_000;

/** When a load may be tried again that had to be refused because of other loads. Most loads take less. */
export const LOAD_RETRY_AFTER_SECONDS = 1;
/** A version that is too large stays so, until somebody publishes a smaller one. */
export const TOO_LARGE_RETRY_AFTER_SECONDS = 300;
