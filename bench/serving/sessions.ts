/**
 * Measures the champion while other requests ask for 40 versions at once, each as large as the champion.
 *
 *   npm run bench -- sessions
 *   npm run bench -- sessions --rounds 3 --seconds 10
 */
import { Agent } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { withLocalBindings } from "../../cloudflare/local-bindings.ts";
import { sha256 } from "../../cloudflare/r2.ts";
import { median } from "../../src/lib/statistics.ts";
import { sendRequest } from "../server/http-client.ts";
import { PREDICTION } from "../server/request-mix.ts";
import { Benchmark } from "../support/benchmark.ts";
import { type Figures, measure } from "../support/load.ts";
import { formatNumber } from "../support/results.ts";
import { bundleFacet, startWorkerd } from "../workerd/workerd.ts";

const VERSIONS = 40;
const NAME = "gradient-boosting";
const FIRST_VERSION = 1001;
const CONNECTIONS = 8;
const DEFAULT_SECONDS = 10;
/** The goal: the median prediction of the champion takes at most this much longer. */
const MAX_P50_RATIO = 1.5;

/**
 * What the other requests ask for, how long they pause after 40 answers (null: there are none), and the variant
 * that they are compared with: without a pause, 40 requests take a share of the isolate whatever they ask for.
 */
const VARIANTS = [
  { name: "alone", asks: "champion", pauseMs: null, base: "alone" },
  { name: "40 versions at once, every second", asks: "versions", pauseMs: 1000, base: "alone" },
  { name: "the champion 40 times, without a pause", asks: "champion", pauseMs: 0, base: "alone" },
  {
    name: "40 versions at once, without a pause",
    asks: "versions",
    pauseMs: 0,
    base: "the champion 40 times, without a pause",
  },
];

const benchmark = new Benchmark("sessions");
await benchmark.run(async () => {
  const facet = await bundleFacet(join(benchmark.scratch, "facet"));
  const state = await benchmark.copyTrainedState();
  await addVersions(state);
  const vars = { ACCESS: "open", RATE_LIMITS: "off", LOG: "at once" };
  const server = await startWorkerd(facet, { state, vars });
  const agent = new Agent({ keepAlive: true });
  const send = (selector: string) =>
    sendRequest(agent, server.url, { ...PREDICTION, path: `${PREDICTION.path}?model=${selector}` });
  const first = await send("champion");
  benchmark.require(first.status === 200, `the first prediction: status ${first.status}`);

  const seconds = benchmark.getNumber("seconds", DEFAULT_SECONDS);
  const figures = new Map(VARIANTS.map(({ name }) => [name, [] as Figures[]]));
  const statuses = new Map(VARIANTS.map(({ name }) => [name, new Map<number, number>()]));
  for (let round = 0; round < benchmark.rounds; round++) {
    for (const { name, asks, pauseMs } of VARIANTS) {
      const counts = statuses.get(name)!;
      let hasEnded = false;
      const askForVersions = async () => {
        while (pauseMs !== null && !hasEnded) {
          const selectors = Array.from({ length: VERSIONS }, (_, i) =>
            asks === "champion" ? asks : `${NAME}@${FIRST_VERSION + i}`,
          );
          for (const { status } of await Promise.all(selectors.map(send)))
            counts.set(status, (counts.get(status) ?? 0) + 1);
          await sleep(pauseMs);
        }
      };
      const asked = askForVersions();
      const url = `${server.url}${PREDICTION.path}`;
      figures
        .get(name)!
        .push(await measure({ name, url, body: PREDICTION.body! }, { connections: CONNECTIONS, seconds }));
      hasEnded = true;
      await asked;
    }
  }
  agent.destroy();
  await server.stop();

  const getMedian = (name: string, figure: keyof Figures) =>
    median(figures.get(name)!.map((round) => round[figure]));
  const getRatio = ({ name, base }: { name: string; base: string }) =>
    getMedian(name, "p50Ms") / getMedian(base, "p50Ms");
  for (const variant of VARIANTS) {
    const { name, asks } = variant;
    const failed = figures.get(name)!.reduce((sum, round) => sum + round.failed, 0);
    benchmark.require(failed === 0, `${name}: ${failed} predictions of the champion failed`);
    if (asks === "versions" && getRatio(variant) > MAX_P50_RATIO)
      console.log(`${name}: the goal of ${MAX_P50_RATIO} is missed`);
    const others = [...statuses.get(name)!.keys()].filter((status) => status !== 200 && status !== 503);
    benchmark.require(others.length === 0, `${name}: versions answered ${others.join(", ")}`);
  }
  benchmark.addTable({
    title: `The champion on ${CONNECTIONS} connections, medians of ${benchmark.rounds} rounds of ${seconds} s`,
    head: ["", "requests/s", "p50 ms", "p50 ratio", "p99 ms", "slowest ms", "others priced", "refused"],
    rows: VARIANTS.map(({ name, base }) => [
      name,
      ...[
        getMedian(name, "requestsPerSecond"),
        getMedian(name, "p50Ms"),
        getRatio({ name, base }),
        getMedian(name, "p99Ms"),
        getMedian(name, "slowestMs"),
        statuses.get(name)!.get(200) ?? 0,
        statuses.get(name)!.get(503) ?? 0,
      ].map(formatNumber),
    ]),
  });
});

/** Publishes copies of the champion. Each has another text in its file, so each is a model of its own. */
async function addVersions(state: string): Promise<void> {
  await withLocalBindings(state, async ({ DB, MODELS }) => {
    const row = await DB.prepare("SELECT * FROM models WHERE name = ?").bind(NAME).first();
    if (row === null) throw new Error(`the state has no ${NAME}`);
    const file = new Uint8Array(await (await MODELS.get(String(row.key)))!.arrayBuffer());
    const columns = Object.keys(row);
    const insert = DB.prepare(
      `INSERT INTO models (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
    );
    for (let i = 0; i < VERSIONS; i++) {
      // A field 6 of the format: the description of the model.
      const text = Buffer.from(`copy ${String(i).padStart(2, "0")}`);
      const bytes = Buffer.concat([file, Buffer.of(0x32, text.length), text]);
      const hash = sha256(bytes);
      const key = `models/${NAME}/${hash}.onnx`;
      await MODELS.put(key, bytes);
      const copy = { ...row, version: FIRST_VERSION + i, key, sha256: hash, bytes: bytes.length };
      await insert.bind(...columns.map((column) => Reflect.get(copy, column) as string)).run();
    }
  });
}
