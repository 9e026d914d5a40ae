/**
 * The memory of the ONNX runtime in an isolate, which has 128 MB for everything. docs/limits.md has the
 * measurements.
 */

/** The runtime's memory cannot grow beyond this. It leaves 48 MiB for JavaScript, requests and code. */
export const MAX_RUNTIME_MEMORY_BYTES = 80 * 1024 * 1024;
/** Sessions are loaded while their sum stays below this. The rest is for gaps between them. */
export const SESSION_BUDGET_BYTES = 72_000_000;
/** What the runtime takes without a session. */
export const RUNTIME_BYTES = 10_100_000;

/** Each load holds a file in JavaScript's memory, and its session takes 10 to 100 ms of computing. */
export const MAX_LOADS = 4;
/** Versions that are asked for by name leave one load to those that an alias points at. */
export const MAX_NAMED_LOADS = MAX_LOADS - 1;

/** A session that an alias has used in this time is not evicted for a version that is asked for by name. */
export const ALIAS_PROTECTION_MS = 60_000;
/**
 * A new session is not evicted in this time for a version that is asked for by name. Otherwise requests for many
 * versions in turn would keep the isolate busy with loading.
 */
export const MIN_SESSION_AGE_MS = 5_000;
