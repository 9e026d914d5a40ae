/** How much memory of the ONNX runtime a model takes. docs/limits.md has the measurements behind the numbers. */

/** In bytes, in addition to the runtime itself. */
export interface ModelMemory {
  /** The most that it takes: while its session is created, and for a batch of 1,000 stones. */
  readonly memoryBytes: number;
  /** What its session keeps. */
  readonly sessionBytes: number;
}

/** What the registry knows. The copy of the registry may be older than these columns. */
export interface RecordedMemory {
  /** Size of the ONNX file; null if it is unknown. */
  readonly bytes: number | null;
  readonly memoryBytes: number | null;
  readonly sessionBytes: number | null;
}

/** A model that takes more is not published, no alias may point at it, and it is not loaded. */
export const MAX_MODEL_MEMORY_BYTES = 48_000_000;

/**
 * The options of a session in the Worker, with which the memory of a model is measured too. The files have no
 * node that could be left out, and looking for one takes longer than it saves.
 */
export const SESSION_OPTIONS = { graphOptimizationLevel: "disabled" } as const;

/** The greatest measured ratios to the size of the file were 32.2 and 7.7. */
const ESTIMATED_MEMORY_RATIO = 33;
const ESTIMATED_SESSION_RATIO = 8;
/** The smallest models take less, but each has tensors and JavaScript objects too. */
const MIN_MEMORY_BYTES = 1_000_000;

/** The measured memory of a version or, for a version without it, a conservative estimate from its file. */
export function estimateMemory({ bytes, memoryBytes, sessionBytes }: RecordedMemory): ModelMemory {
  // Without any figure, it counts as the largest model that is allowed.
  const size = bytes ?? Math.floor(MAX_MODEL_MEMORY_BYTES / ESTIMATED_MEMORY_RATIO);
  return {
    memoryBytes: Math.max(MIN_MEMORY_BYTES, memoryBytes ?? size * ESTIMATED_MEMORY_RATIO),
    sessionBytes: Math.max(MIN_MEMORY_BYTES, sessionBytes ?? size * ESTIMATED_SESSION_RATIO),
  };
}

/** Says by how much a model is too large; null if it is not. */
export function describeExcessMemory(version: string, recorded: RecordedMemory): string | null {
  const { memoryBytes } = estimateMemory(recorded);
  if (memoryBytes <= MAX_MODEL_MEMORY_BYTES) return null;
  const isMeasured = recorded.memoryBytes !== null;
  return `${version} is too large to serve: it needs ${formatMegabytes(memoryBytes)} of memory${isMeasured ? "" : " (estimated from the size of its file)"}, and at most ${formatMegabytes(MAX_MODEL_MEMORY_BYTES)} are allowed`;
}

/** Rounds up, so that a model just above the limit is not shown as equal to it. */
export function formatMegabytes(bytes: number): string {
  return `${(Math.ceil(bytes / 100_000) / 10).toFixed(1)} MB`;
}
