/**
 * Time limits for loading and running models, in milliseconds. The limit of a shadow prediction is in
 * src/settings.
 */

/** How long a request waits for a model to load. It waits less if the last load of that model timed out. */
export const LOAD_TIMEOUT_MS = { usual: 15_000, afterTimeout: 1_000 };

/** How long a model that failed to load is not loaded again, by the kind of failure. */
export const RETRY_DELAY_MS = { invalidFile: 10_000, bucketError: 1_000, timeout: 5_000 };

/** How long a call into the ONNX runtime waits for the call before it. */
export const RUNTIME_WAIT_MS = 10_000;
