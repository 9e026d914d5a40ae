import { Agent } from "node:http";
import { join } from "node:path";
import { GRADES } from "../../src/domain/diamond.ts";
import { createRandom } from "../../test/support/random.ts";
import { sendRequest } from "../server/http-client.ts";
import type { Benchmark } from "../support/benchmark.ts";
import { computeGrowthExponent } from "../support/growth.ts";
import { getMedian, getMedianRatio, measureInRounds } from "../support/load.ts";
import { formatNumber, type Series } from "../support/results.ts";
import {
  type Bundle,
  bundleFacet,
  bundleHello,
  startWorkerd,
  type WorkerdServer,
} from "../workerd/workerd.ts";
import { addStones } from "./add-stones.ts";

const DEFAULT_SIZES = [53_920, 1_000_000, 5_000_000];
const DEFAULT_SECONDS = 3;
/** More than an isolate keeps the results of: so each query is a new one. */
const QUERIES = 6_000;
const REPEATED_QUERIES = 100;
const COUNTED_QUERIES = 100;
const SEED = 1;
/** Numbers of comparable stones for which the rows read are counted. The first one is also timed. */
const COUNTS = [5, 50] as const;
const VARS = { ACCESS: "open", RATE_LIMITS: "off", LOG: "at once" };

interface StoneTable {
  readonly name: string;
  readonly size: number;
  /** The most rows that a query reads, for each of {@link COUNTS}. */
  readonly rowsRead: readonly number[];
  readonly server: WorkerdServer;
}

/** Measures comparable stones over one connection, by the number of stones in the table. */
export async function measureSimilar(benchmark: Benchmark): Promise<Series> {
  const facet = await bundleFacet(join(benchmark.scratch, "facet-similar"));
  const hello = await startWorkerd(await bundleHello(join(benchmark.scratch, "hello-similar")));
  const tables: StoneTable[] = [];
  for (const count of benchmark.getNumbers("stones", DEFAULT_SIZES)) {
    const state = await benchmark.copyTrainedState();
    const size = addStones(state, count);
    const rowsRead = await countRowsRead(benchmark, facet, state);
    const server = await startWorkerd(facet, { state, vars: VARS });
    tables.push({ name: `${size.toLocaleString("en")} stones`, size, rowsRead, server });
  }
  const paths = createQueries(COUNTS[0], QUERIES);
  const variants = [
    { name: "hello", url: hello.url, paths },
    ...tables.map(({ name, server }) => ({ name, url: server.url, paths })),
    { name: "asked again", url: tables[0]!.server.url, paths: paths.slice(0, REPEATED_QUERIES) },
  ];
  const rounds = await measureInRounds(variants, {
    connections: 1,
    seconds: benchmark.getNumber("seconds", DEFAULT_SECONDS),
    rounds: benchmark.rounds,
  });
  await Promise.all([hello, ...tables.map(({ server }) => server)].map((server) => server.stop()));
  benchmark.requireSuccesses(rounds, variants);

  const first = tables[0]!.name;
  benchmark.addTable({
    title: `The ${COUNTS[0]} comparable stones of different stones over one connection, and the most rows that the registry reads`,
    head: [
      ...["", "requests/s", "p50 ms", "p99 ms", "requests/s : hello", "p50 : first size"],
      ...COUNTS.map((n) => `rows, n = ${n} (≤ ${2 * n + 10})`),
    ],
    rows: variants.map(({ name }, i) => [
      name,
      ...(["requestsPerSecond", "p50Ms", "p99Ms"] as const).map((figure) =>
        formatNumber(getMedian(rounds, name, figure)),
      ),
      getMedianRatio(rounds, name, "hello", "requestsPerSecond").toFixed(3),
      i === 0 ? "" : getMedianRatio(rounds, name, first, "p50Ms").toFixed(2),
      ...COUNTS.map((_, k) => tables[i - 1]?.rowsRead[k]?.toString() ?? ""),
    ]),
  });
  const points = tables.map(({ name, size }) => ({ size, ms: getMedian(rounds, name, "p50Ms") }));
  const series = { name: "comparable stones", unit: "stones in the table", points };
  benchmark.addSeries(series);
  if (points.length > 1) console.log(`growth exponent ${computeGrowthExponent(points).toFixed(2)}`);
  return series;
}

/** The most rows that the registry reads for a query, for each of {@link COUNTS}. */
async function countRowsRead(benchmark: Benchmark, facet: Bundle, state: string): Promise<number[]> {
  const server = await startWorkerd(facet, { state, vars: { ...VARS, COUNT_ROWS: "on" } });
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const send = async (path: string) => {
    const { status, headers } = await sendRequest(agent, server.url, { method: "GET", path });
    benchmark.require(status === 200, `GET ${path}: status ${status}`);
    return Number(headers["x-rows-read"]);
  };
  const counts: number[] = [];
  for (const n of COUNTS) {
    let most = 0;
    // The smaller of two nearly equal queries: a request may also read an alias or a key again.
    for (const path of createQueries(n, COUNTED_QUERIES)) {
      const nearlyEqual = path.replace(/carat=[^&]*/, "$&1");
      most = Math.max(most, Math.min(await send(path), await send(nearlyEqual)));
    }
    counts.push(most);
  }
  agent.destroy();
  await server.stop();
  return counts;
}

/** Paths of different queries with random grades and weights. */
function createQueries(n: number, count: number): string[] {
  const random = createRandom(SEED);
  const pick = (values: readonly string[]) => values[Math.floor(random() * values.length)]!;
  return Array.from({ length: count }, (_, i) => {
    const grades = Object.entries(GRADES).map(([name, values]) => [name, pick(values)]);
    const carat = `${(0.3 + 1.7 * random()).toFixed(2)}${String(i).padStart(5, "0")}`;
    return `/v1/diamonds/similar?${new URLSearchParams([...grades, ["carat", carat], ["n", `${n}`]])}`;
  });
}
