/** Measures how many requests a second a server answers, and how long it takes, with autocannon. */
import autocannon from "autocannon";
import { median } from "../../src/lib/statistics.ts";
import { findQuantile } from "./quantile.ts";

/** A request that is repeated, and its name in the table. */
export interface Variant {
  readonly name: string;
  readonly url: string;
  /** Paths that the requests take in turn, instead of the path of the URL. */
  readonly paths?: readonly string[];
  /** JSON text. With it the request is a POST, without it a GET. */
  readonly body?: string;
  /** An API key. */
  readonly key?: string;
  /**
   * Waits until the server has done what it left for after its answers. The time counts: otherwise a server
   * would look faster the more it leaves, and would do it while the next variant is measured.
   */
  readonly settle?: (answers: number) => Promise<void>;
}

/** The figures of one variant in one round. */
export interface Figures {
  readonly requestsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly slowestMs: number;
  /** Responses with a 2xx status. */
  readonly succeeded: number;
  /** Other responses, connection errors and timeouts. */
  readonly failed: number;
}

export interface LoadOptions {
  readonly connections: number;
  readonly seconds: number;
  readonly rounds: number;
}

/** The figures of each variant by its name, with the warm-up in front. */
export type Rounds = ReadonlyMap<string, readonly Figures[]>;

const SAMPLE_INTERVAL_MS = 100;

/**
 * Measures the variants in turn, once in each round, so that a change of the machine's speed meets all of them.
 * Each round starts with another variant. A warm-up of half a round's time comes first.
 */
export async function measureInRounds(variants: readonly Variant[], options: LoadOptions): Promise<Rounds> {
  const figures = new Map<string, Figures[]>();
  for (const variant of variants)
    figures.set(variant.name, [await measure(variant, { ...options, seconds: options.seconds / 2 })]);
  for (let round = 0; round < options.rounds; round++) {
    for (let i = 0; i < variants.length; i++) {
      const variant = variants[(round + i) % variants.length]!;
      figures.get(variant.name)!.push(await measure(variant, options));
    }
  }
  return figures;
}

/** Repeats a request over all connections for some seconds. */
export async function measure(
  { url, paths, body, key, settle }: Variant,
  { connections, seconds }: Omit<LoadOptions, "rounds">,
): Promise<Figures> {
  const run = autocannon({
    url,
    connections,
    duration: seconds,
    sampleInt: SAMPLE_INTERVAL_MS,
    method: body === undefined ? "GET" : "POST",
    ...(body !== undefined && { body }),
    ...(paths !== undefined && { requests: paths.map((path) => ({ path })) }),
    headers: {
      ...(body !== undefined && { "content-type": "application/json" }),
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
    },
  });
  // autocannon's own times are whole milliseconds.
  const durationsMs: number[] = [];
  run.on("response", (_client, _status, _bytes, durationMs) => durationsMs.push(durationMs));
  const result = await run;
  const endedAt = performance.now();
  await settle?.(result["2xx"]);
  const settleSeconds = settle === undefined ? 0 : (performance.now() - endedAt) / 1000;
  const sorted = Float64Array.from(durationsMs).sort();
  return {
    requestsPerSecond: durationsMs.length / (result.duration + settleSeconds),
    p50Ms: findQuantile(sorted, 0.5),
    p99Ms: findQuantile(sorted, 0.99),
    slowestMs: sorted.at(-1) ?? Number.NaN,
    succeeded: result["2xx"],
    failed: result.non2xx + result.errors,
  };
}

type FigureName = keyof Figures;

/** The median of a figure over the rounds, without the warm-up. */
export function getMedian(rounds: Rounds, variant: string, figure: FigureName): number {
  return median(readRounds(rounds, variant).map((figures) => figures[figure]));
}

/** The median of the ratios of two variants in the same round. */
export function getMedianRatio(rounds: Rounds, variant: string, base: string, figure: FigureName): number {
  const bases = readRounds(rounds, base);
  return median(readRounds(rounds, variant).map((figures, round) => figures[figure] / bases[round]![figure]));
}

/** The sum of a figure over the rounds and the warm-up. */
export function getTotal(rounds: Rounds, variant: string, figure: "succeeded" | "failed"): number {
  return (rounds.get(variant) ?? []).reduce((sum, figures) => sum + figures[figure], 0);
}

function readRounds(rounds: Rounds, variant: string): readonly Figures[] {
  return rounds.get(variant)?.slice(1) ?? [];
}
