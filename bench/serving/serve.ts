/**
 * Measures predictions in workerd, and compares them with a Worker that only says hello, in the same run.
 *
 *   npm run bench -- serve           about three minutes
 *   npm run bench -- serve --peer    against FastAPI with XGBoost (bench/peer)
 *   npm run bench -- serve --direct  without miniflare's own Worker in front
 *   npm run bench -- serve --rounds 5 --seconds 8 --json results.json
 */
import { join } from "node:path";
import { EXAMPLE_STONE } from "../../src/domain/diamond.ts";
import { createKey } from "../../training/registry/keys.ts";
import { startPeer } from "../peer/peer.ts";
import { Benchmark } from "../support/benchmark.ts";
import {
  getMedian,
  getMedianRatio,
  getTotal,
  type LoadOptions,
  measureInRounds,
  type Rounds,
  type Variant,
} from "../support/load.ts";
import { formatNumber } from "../support/results.ts";
import { bundleFacet, bundleHello, startWorkerd, type WorkerdServer } from "../workerd/workerd.ts";
import { waitForLoggedSuccesses } from "./logged-successes.ts";

const CONNECTIONS = [50, 1];
const STONE = JSON.stringify(EXAMPLE_STONE);
const { carat, cut, color, clarity } = EXAMPLE_STONE;
const STONE_WITHOUT_MEASUREMENTS = JSON.stringify({ carat, cut, color, clarity });
/** The rate limits are off: the simulated ones write to a database for each request, which Cloudflare's do not. */
const NO_LIMITS = { ACCESS: "open", RATE_LIMITS: "off" };
const REAL_LOG = "prediction, log writes";

/** The comparison has results of its own. */
const name = process.argv.includes("--peer") ? "serve --peer" : "serve";
const benchmark = new Benchmark(name);
const direct = benchmark.hasFlag("direct");
await benchmark.run(() => (benchmark.hasFlag("peer") ? compareWithPeer() : compareWithHello()));

async function compareWithHello(): Promise<void> {
  const facet = await bundleFacet(join(benchmark.scratch, "facet"));
  const hello = await startWorkerd(await bundleHello(join(benchmark.scratch, "hello")), { direct });
  const start = async (vars: Record<string, string>) =>
    startWorkerd(facet, { state: await benchmark.copyTrainedState(), vars, direct });
  const keyState = await benchmark.copyTrainedState();
  const key = await createKey(
    { kind: "local", state: keyState },
    { name: "bench", scopes: ["predict"], expiresAt: null },
  );
  const atOnce = await start({ ...NO_LIMITS, LOG: "at once" });
  const limited = await start({ ACCESS: "open", RATE_LIMITS: "on", LOG: "at once" });
  const logging = await start(NO_LIMITS);
  const keyed = await startWorkerd(facet, {
    state: keyState,
    vars: { ACCESS: "keys", RATE_LIMITS: "off", LOG: "at once" },
    direct,
  });
  await checkChampion(atOnce);

  const variants: Variant[] = [
    predict("hello", hello),
    { name: "hello, GET without a body", url: hello.url },
    predict("prediction, log at once", atOnce),
    predict(REAL_LOG, logging),
    { ...predict("prediction, with a key", keyed), key },
    predict("prediction, rate limits on", limited),
    predict("prediction, no measurements", atOnce, STONE_WITHOUT_MEASUREMENTS),
  ];
  for (const connections of CONNECTIONS) {
    const rounds = await measureWithLog(variants, getLoad(connections), REAL_LOG, logging);
    benchmark.addTable({
      title: `Predictions at ${connections} connection${connections === 1 ? "" : "s"}`,
      head: ["", "requests/s", "p50 ms", "p99 ms", "requests/s : hello", "p99 : hello"],
      rows: variants.map(({ name }) => [
        ...toCells(rounds, name),
        getMedianRatio(rounds, name, "hello", "requestsPerSecond").toFixed(3),
        getMedianRatio(rounds, name, "hello", "p99Ms").toFixed(2),
      ]),
    });
  }
  await Promise.all([hello, atOnce, limited, logging, keyed].map((server) => server.stop()));
}

async function compareWithPeer(): Promise<void> {
  const peer = await startPeer(benchmark.scratch, benchmark.getText("venv"));
  if (peer === null) {
    console.log(
      "python3 with venv is missing, or the packages could not be installed: nothing to compare with",
    );
    return;
  }
  const facet = await bundleFacet(join(benchmark.scratch, "facet"));
  const server = await startWorkerd(facet, {
    state: await benchmark.copyTrainedState(),
    vars: NO_LIMITS,
    direct,
  });
  await checkChampion(server);
  for (const connections of CONNECTIONS) {
    const peerRows = peer.countRows();
    let expectedRows = peerRows;
    const settle = (answers: number) => {
      expectedRows += answers;
      return peer.waitForRows(expectedRows);
    };
    const variants = [predict("Facet", server), { ...predict("FastAPI", peer), settle }];
    const rounds = await measureWithLog(variants, getLoad(connections), "Facet", server);
    const missing = getTotal(rounds, "FastAPI", "succeeded") - (peer.countRows() - peerRows);
    benchmark.require(missing <= 0, `FastAPI: ${missing} answered requests are missing in its log`);
    benchmark.addTable({
      title: `Predictions with both logs at ${connections} connection${connections === 1 ? "" : "s"}`,
      head: ["", "requests/s", "p50 ms", "p99 ms", "requests/s : FastAPI", "p99 : FastAPI"],
      rows: variants.map(({ name }) => [
        ...toCells(rounds, name),
        getMedianRatio(rounds, name, "FastAPI", "requestsPerSecond").toFixed(3),
        getMedianRatio(rounds, name, "FastAPI", "p99Ms").toFixed(2),
      ]),
    });
  }
  await Promise.all([server.stop(), peer.stop()]);
}

function predict(name: string, { url }: Pick<WorkerdServer, "url">, body = STONE): Variant {
  return { name, url: `${url}/v1/predictions`, body };
}

function getLoad(connections: number): LoadOptions {
  // One connection needs less time for a steady median.
  const seconds = benchmark.getNumber("seconds", connections === 1 ? 2 : 4);
  return { connections, seconds, rounds: benchmark.rounds };
}

function toCells(rounds: Rounds, name: string): string[] {
  const figures = (["requestsPerSecond", "p50Ms", "p99Ms"] as const).map((figure) =>
    getMedian(rounds, name, figure),
  );
  return [name, ...figures.map(formatNumber)];
}

/** Measures, and checks that all requests succeed and that those of one variant are all in the log. */
async function measureWithLog(
  variants: readonly Variant[],
  load: LoadOptions,
  loggedVariant: string,
  server: WorkerdServer,
): Promise<Rounds> {
  const before = await waitForLoggedSuccesses(server);
  const rounds = await measureInRounds(variants, load);
  benchmark.requireSuccesses(rounds, variants);
  const answered = getTotal(rounds, loggedVariant, "succeeded");
  const logged = (await waitForLoggedSuccesses(server, before + answered)) - before;
  // At the end of a measurement each connection can have a request whose answer nobody reads.
  const mostUnread = load.connections * (load.rounds + 1);
  console.log(`${loggedVariant}: ${answered} answers read, ${logged} successes in the log`);
  benchmark.require(logged >= answered, `${answered - logged} answered requests are missing in the log`);
  benchmark.require(logged <= answered + mostUnread, `${logged - answered} requests too many are in the log`);
  return rounds;
}

async function checkChampion({ url }: WorkerdServer): Promise<void> {
  const headers = { "content-type": "application/json" };
  const response = await fetch(`${url}/v1/predictions`, { method: "POST", headers, body: STONE });
  const { model } = (await response.json()) as { model?: { name: string } };
  benchmark.require(model?.name === "gradient-boosting", `the champion is ${model?.name}`);
}
