import { join } from "node:path";
import { EXAMPLE_STONE } from "../../src/domain/diamond.ts";
import { createRandom } from "../../test/support/random.ts";
import type { Benchmark } from "../support/benchmark.ts";
import { computeGrowthExponent } from "../support/growth.ts";
import { getMedian, measureInRounds } from "../support/load.ts";
import { formatNumber, type Series } from "../support/results.ts";
import { bundleFacet, startWorkerd } from "../workerd/workerd.ts";

const SIZES = [1, 10, 100, 1000];
const DEFAULT_SECONDS = 2;
const SEED = 1;

/** Measures batches of 1 to 1,000 stones over one connection. */
export async function measureBatches(benchmark: Benchmark): Promise<Series> {
  const facet = await bundleFacet(join(benchmark.scratch, "facet-batch"));
  const vars = { ACCESS: "open", RATE_LIMITS: "off", LOG: "at once" };
  const server = await startWorkerd(facet, { state: await benchmark.copyTrainedState(), vars });
  const url = `${server.url}/v1/predictions/batch`;
  const variants = SIZES.map((size) => ({ name: `${size}`, url, body: createBatch(size) }));
  const rounds = await measureInRounds(variants, {
    connections: 1,
    seconds: benchmark.getNumber("seconds", DEFAULT_SECONDS),
    rounds: benchmark.rounds,
  });
  await server.stop();
  const points = SIZES.map((size) => ({ size, ms: getMedian(rounds, `${size}`, "p50Ms") }));
  benchmark.requireSuccesses(rounds, variants);
  benchmark.addTable({
    title: "Batches over one connection",
    head: ["stones", "p50 ms", "p99 ms", "us a stone", "exponent from the row above"],
    rows: points.map(({ size, ms }, i) => [
      size.toLocaleString("en"),
      formatNumber(ms),
      formatNumber(getMedian(rounds, `${size}`, "p99Ms")),
      formatNumber((ms * 1000) / size),
      i === 0 ? "" : computeGrowthExponent(points.slice(i - 1, i + 1)).toFixed(2),
    ]),
  });
  const series = { name: "a batch", unit: "stones", points };
  benchmark.addSeries(series);
  return series;
}

/** The body of a batch of different stones. */
function createBatch(size: number): string {
  const random = createRandom(SEED);
  const diamonds = Array.from({ length: size }, () => {
    const scale = 0.7 + 0.8 * random();
    const { carat, x, y, z } = EXAMPLE_STONE;
    const round = (value: number) => Math.round(value * 100) / 100;
    const sizes = {
      carat: round(carat * scale ** 3),
      x: round(x * scale),
      y: round(y * scale),
      z: round(z * scale),
    };
    return { ...EXAMPLE_STONE, ...sizes };
  });
  return JSON.stringify({ diamonds });
}
