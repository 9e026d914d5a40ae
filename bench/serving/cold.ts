/**
 * Measures the first requests of a new isolate. Each sample is a workerd process of its own.
 *
 *   npm run bench -- cold
 *   npm run bench -- cold --samples 11 --json results.json
 */
import { readFileSync } from "node:fs";
import { Agent } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { runWrangler } from "../../cloudflare/wrangler.ts";
import { median } from "../../src/lib/statistics.ts";
import { type HttpRequest, sendRequest } from "../server/http-client.ts";
import { PREDICTION } from "../server/request-mix.ts";
import { Benchmark } from "../support/benchmark.ts";
import { formatNumber } from "../support/results.ts";
import {
  type Bundle,
  bundleFacet,
  bundleHello,
  startWorkerd,
  type WorkerdOptions,
} from "../workerd/workerd.ts";

const DEFAULT_SAMPLES = 7;
const IDLE_MS = 1_000;
const HEALTH: HttpRequest = { method: "GET", path: "/health" };

/** By what was measured: one time in ms for each sample. */
type Times = Map<string, number[]>;

const benchmark = new Benchmark("cold");
await benchmark.run(async () => {
  const facet = await bundleFacet(join(benchmark.scratch, "facet"));
  const hello = await bundleHello(join(benchmark.scratch, "hello"));
  const state = await benchmark.copyTrainedState();
  const times: Times = new Map();
  const samples = benchmark.getNumber("samples", DEFAULT_SAMPLES);
  // Sample -1 fills the file cache of the operating system and compiles the client.
  for (let sample = -1; sample < samples; sample++) {
    const into: Times = sample < 0 ? new Map() : times;
    await measureFirstRequests(hello, {}, into);
    await measureFirstRequests(facet, { state, vars: { ACCESS: "open", RATE_LIMITS: "off" } }, into);
    await measureStartup(facet, into);
  }
  benchmark.addTable({
    title: `New isolates, ${samples} samples, ms`,
    head: ["", "median", "fastest", "slowest"],
    rows: [...times].map(([name, values]) => [
      name,
      ...[median(values), Math.min(...values), Math.max(...values)].map(formatNumber),
    ]),
  });
});

/** Measures the first prediction of one process, and of another process that idled after GET /health. */
async function measureFirstRequests(bundle: Bundle, options: WorkerdOptions, times: Times): Promise<void> {
  const name = options.state === undefined ? "hello" : "Facet";
  await withServer(bundle, options, async (send) => {
    add(times, `${name}: first request`, await send(PREDICTION));
    if (name === "Facet") add(times, "Facet: second request", await send(PREDICTION));
  });
  if (name === "hello") return;
  await withServer(bundle, options, async (send) => {
    add(times, "Facet: GET /health as the first request", await send(HEALTH));
    await sleep(IDLE_MS);
    add(times, "Facet: first prediction, 1 s after GET /health", await send(PREDICTION));
  });
}

async function withServer(
  bundle: Bundle,
  options: WorkerdOptions,
  use: (send: (request: HttpRequest) => Promise<number>) => Promise<void>,
): Promise<void> {
  const server = await startWorkerd(bundle, options);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    await use(async (request) => {
      const { status, durationMs } = await sendRequest(agent, server.url, request);
      benchmark.require(status === 200, `${request.method} ${request.path}: status ${status}`);
      return durationMs;
    });
  } finally {
    agent.destroy();
    await server.stop();
  }
}

/**
 * Measures the CPU time until the Worker can take its first request. Cloudflare allows 1 s. A profile has a
 * sample in each ms, which is too coarse for the Worker that says hello.
 */
async function measureStartup(bundle: Bundle, times: Times): Promise<void> {
  const file = join(benchmark.scratch, "startup.cpuprofile");
  await runWrangler(["check", "startup", "--worker", bundle.file, "--outfile", file]);
  const { nodes, samples, timeDeltas } = JSON.parse(readFileSync(file, "utf8")) as CpuProfile;
  const idle = nodes.find(({ callFrame }) => callFrame.functionName === "(idle)")?.id;
  const activeUs = timeDeltas.reduce((sum, delta, i) => (samples[i] === idle ? sum : sum + delta), 0);
  add(times, "Facet: CPU time of the start", activeUs / 1000);
}

interface CpuProfile {
  readonly nodes: readonly { readonly id: number; readonly callFrame: { readonly functionName: string } }[];
  /** The node of each sample. */
  readonly samples: readonly number[];
  /** The time before each sample, in microseconds. */
  readonly timeDeltas: readonly number[];
}

function add(times: Times, name: string, ms: number): void {
  times.set(name, [...(times.get(name) ?? []), ms]);
}
