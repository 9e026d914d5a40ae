/**
 * The histogram kernel: the loop that adds the rows of a node to its histogram. Most of the time of a fit is
 * spent here. It is generated as source text at run time, with the loop over the features unrolled.
 *
 * Why: the code that V8 compiles for a counted loop over the features takes about twice as long (measured on
 * 43,136 rows: 1.8 times for 5 features, 2.0 times for 9, 2.4 times for 15).
 * How to check: test/training/boosting/histogram/histogram.test.ts (its sums are right), and
 * `npm run bench -- boosting` (the time of a fit with it).
 */
import { BINS_PER_FEATURE } from "../binning/bins.ts";

/**
 * Adds the packed gradients of `rows[begin..end)` to a histogram. The entry of the k-th of `features` and of
 * a bin is at `BINS_PER_FEATURE * k + bin`.
 * @param bins row-major, all features of each row
 * @returns an unused number, which keeps the compiler from removing the loads that only fill the cache
 */
export type HistogramKernel = (
  rows: Int32Array,
  begin: number,
  end: number,
  bins: Uint8Array,
  features: Int32Array,
  packed: Float64Array,
  histogram: Float64Array,
) => number;

/**
 * With at least this many rows, the rows of a small node are far apart in memory. Each one is a cache miss.
 */
const MIN_ROWS_TO_PREFETCH = 100_000;
/**
 * Number of rows that a separate loop loads first. The processor then waits for many cache misses at once.
 */
const PREFETCHED_ROWS = 64;

const kernels = new Map<string, HistogramKernel>();

/** Returns the kernel for trees that use `featuresUsed` of `featureCount` features; it is generated once. */
export function getHistogramKernel(featuresUsed: number, featureCount: number): HistogramKernel {
  const key = `${featuresUsed} of ${featureCount}`;
  let kernel = kernels.get(key);
  if (kernel === undefined) {
    kernel = generateKernel(featuresUsed, featureCount);
    kernels.set(key, kernel);
  }
  return kernel;
}

function generateKernel(featuresUsed: number, featureCount: number): HistogramKernel {
  const feature = (k: number) => (featuresUsed === featureCount ? `${k}` : `features[${k}]`);
  const unroll = (line: (k: number) => string) =>
    Array.from({ length: featuresUsed }, (_, k) => line(k)).join("\n");
  return new Function(
    ...["rows", "begin", "end", "bins", "features", "packed", "histogram"],
    `${unroll((k) => `const f${k} = ${feature(k)};`)}
    let touched = 0;
    const prefetches = rows.length >= ${MIN_ROWS_TO_PREFETCH} && (end - begin) * 5 < rows.length;
    const step = prefetches ? ${PREFETCHED_ROWS} : end - begin;
    for (let from = begin; from < end; from += step) {
      const to = Math.min(from + step, end);
      if (prefetches) {
        for (let i = from; i < to; i++) touched += packed[rows[i]] + bins[rows[i] * ${featureCount}];
      }
      for (let i = from; i < to; i++) {
        const row = rows[i];
        const gradient = packed[row];
        const at = row * ${featureCount};
        ${unroll((k) => `histogram[${k * BINS_PER_FEATURE} + bins[at + f${k}]] += gradient;`)}
      }
    }
    return touched;`,
  ) as HistogramKernel;
}
