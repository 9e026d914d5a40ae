/**
 * Measures the Worker in workerd while its registry is slow, and while it never answers.
 *
 *   npm run bench -- registry
 *   npm run bench -- registry --seconds 5 --isolates 3
 */
import { Agent } from "node:http";
import { join } from "node:path";
import { createKey, revokeKey } from "../../training/registry/keys.ts";
import { writeRegistryCopy } from "../../training/registry/write-copy.ts";
import { sendRequest } from "../server/http-client.ts";
import { PREDICTION } from "../server/request-mix.ts";
import { Benchmark } from "../support/benchmark.ts";
import { measure } from "../support/load.ts";
import { findQuantile } from "../support/quantile.ts";
import { formatNumber } from "../support/results.ts";
import { type Bundle, bundleFacet, startWorkerd } from "../workerd/workerd.ts";

const DELAY_MS = 300;
const DEFAULT_SECONDS = 20;
const CONNECTIONS = [2, 50];
const DEFAULT_ISOLATES = 20;
/** The longest wait for the answer of an isolate whose registry is silent. */
const MAX_ANSWER_MS = 5_000;
/** A request that needs the registry must be refused in this time. */
const MAX_REFUSAL_MS = 2_000;
const SIMILAR = "/v1/diamonds/similar?carat=1&cut=Ideal&color=E&clarity=VS1";

const benchmark = new Benchmark("registry");
await benchmark.run(async () => {
  const facet = await bundleFacet(join(benchmark.scratch, "facet"));
  const state = await benchmark.copyTrainedState();
  const target = { kind: "local", state } as const;
  const createNamedKey = (name: string) => createKey(target, { name, scopes: ["predict"], expiresAt: null });
  const [key, revokedKey] = [await createNamedKey("valid"), await createNamedKey("revoked")];
  await revokeKey(target, "revoked");
  await writeRegistryCopy(target);
  await measureSlowRegistry(facet, state, key);
  await measureSilentRegistry(facet, state, { key, revokedKey });
});

/** The slowest prediction after the first one, which has to wait for the registry. */
async function measureSlowRegistry(facet: Bundle, state: string, key: string): Promise<void> {
  const seconds = benchmark.getNumber("seconds", DEFAULT_SECONDS);
  const rows: string[][] = [];
  for (const connections of CONNECTIONS) {
    const vars = { ACCESS: "keys", RATE_LIMITS: "off", LOG: "at once", REGISTRY_DELAY_MS: `${DELAY_MS}` };
    const server = await startWorkerd(facet, { state, vars });
    const first = await sendRequest(new Agent(), server.url, { ...PREDICTION, key });
    benchmark.require(first.status === 200, `the first prediction: status ${first.status}`);
    const url = `${server.url}${PREDICTION.path}`;
    const figures = await measure(
      { name: "prediction", url, body: PREDICTION.body!, key },
      { connections, seconds },
    );
    await server.stop();
    benchmark.require(
      figures.failed === 0,
      `${connections} connections: ${figures.failed} predictions failed`,
    );
    const { requestsPerSecond, p50Ms, p99Ms, slowestMs } = figures;
    const cells = [first.durationMs, requestsPerSecond, p50Ms, p99Ms, slowestMs].map(formatNumber);
    rows.push([`${connections} connections`, ...cells]);
  }
  benchmark.addTable({
    title: `Predictions with a key during ${seconds} s, each answer of the registry ${DELAY_MS} ms late`,
    head: ["", "first ms", "requests/s", "p50 ms", "p99 ms", "slowest after the first, ms"],
    rows,
  });
}

interface Keys {
  readonly key: string;
  readonly revokedKey: string;
}

/** What new isolates answer, each in a process of its own. */
async function measureSilentRegistry(facet: Bundle, state: string, keys: Keys): Promise<void> {
  const isolates = benchmark.getNumber("isolates", DEFAULT_ISOLATES);
  const answers: IsolateAnswers[] = [];
  for (let isolate = 0; isolate < isolates; isolate++) answers.push(await askNewIsolate(facet, state, keys));
  const summarize = (
    name: string,
    expected: number,
    select: (answers: IsolateAnswers) => Answer,
    maxMs: number,
  ): string[] => {
    const selected = answers.map(select);
    const right = selected.filter(({ status, ms }) => status === expected && ms <= maxMs);
    const times = Float64Array.from(selected, ({ ms }) => ms).sort();
    const wrong = [
      ...new Set(selected.filter((answer) => !right.includes(answer)).map(({ status }) => status)),
    ];
    benchmark.require(
      right.length === isolates,
      `silent registry: ${right.length} of ${isolates} answers to ${name} were ${expected} within ${maxMs} ms; the others were ${wrong.join(", ")}`,
    );
    const quantiles = [findQuantile(times, 0.5), findQuantile(times, 1)];
    return [name, `${expected}`, `${right.length} of ${isolates}`, ...quantiles.map(formatNumber)];
  };
  benchmark.addTable({
    title: `${isolates} new isolates while the registry never answers`,
    head: ["", "expected", "as expected", "median ms", "slowest ms"],
    rows: [
      summarize("a price with a valid key", 200, ({ price }) => price, MAX_ANSWER_MS),
      summarize("a price with a revoked key", 401, ({ revoked }) => revoked, MAX_ANSWER_MS),
      summarize("comparable stones", 503, ({ similar }) => similar, MAX_REFUSAL_MS),
    ],
  });
}

interface Answer {
  /** 0 if there was no answer in time. */
  readonly status: number;
  readonly ms: number;
}

/** The answers of one isolate. */
interface IsolateAnswers {
  readonly price: Answer;
  readonly revoked: Answer;
  readonly similar: Answer;
}

async function askNewIsolate(
  facet: Bundle,
  state: string,
  { key, revokedKey }: Keys,
): Promise<IsolateAnswers> {
  const vars = { ACCESS: "keys", RATE_LIMITS: "off", LOG: "at once", REGISTRY_DELAY_MS: "never" };
  const server = await startWorkerd(facet, { state, vars });
  const agent = new Agent();
  const ask = async (request: Parameters<typeof sendRequest>[2]): Promise<Answer> => {
    const response = await sendRequest(agent, server.url, { ...request, timeoutMs: MAX_ANSWER_MS }).catch(
      () => null,
    );
    return response === null
      ? { status: 0, ms: MAX_ANSWER_MS }
      : { status: response.status, ms: response.durationMs };
  };
  try {
    const price = await ask({ ...PREDICTION, key });
    const [revoked, similar] = await Promise.all([
      ask({ ...PREDICTION, key: revokedKey }),
      ask({ method: "GET", path: SIMILAR, key }),
    ]);
    return { price, revoked, similar };
  } finally {
    agent.destroy();
    await server.stop();
  }
}
