/**
 * Measures how much an API key costs, and how long a revoked key still works, on a local server with a
 * scratch state.
 *
 *   npm run bench -- keys
 *   node bench/server/keys.ts --requests 5000
 *
 * First, 20,000 predictions are sent over one connection, alternately with and without a key. The server
 * checks a key even if none is needed. Then a key is revoked while ten connections use it.
 */
import { Agent } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import type { Target } from "../../cloudflare/wrangler.ts";
import { EXAMPLE_STONE } from "../../src/domain/diamond.ts";
import { median } from "../../src/lib/statistics.ts";
import { createKey, revokeKey } from "../../training/registry/keys.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";
import { type HttpResponse, sendRequest } from "./http-client.ts";
import { prepareState, startServer } from "./local-server.ts";

const { values: options } = parseArgs({ options: { requests: { type: "string", default: "20000" } } });
const WARM_UP_PAIRS = 500;
const CONNECTIONS = 10;
const LOAD_BEFORE_REVOCATION_MS = 3_000;
/** Longer than the 15 seconds for which a revoked key may work. */
const LOAD_AFTER_REVOCATION_MS = 20_000;
const KEY_NAME = "bench";
const BODY = JSON.stringify(EXAMPLE_STONE);

const target: Target = { kind: "local", state: join(createScratchFolder(), "state") };
await prepareState(target.state, { champion: true });
const server = await startServer(target.state, { vars: { ACCESS: "open", RATE_LIMITS: "off" } });
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
const key = await createKey(target, { name: KEY_NAME, scopes: ["predict"], expiresAt: null });
await measureKeyCheck();
await measureRevocation();
agent.destroy();
await server.stop();

function predict(withKey: boolean): Promise<HttpResponse> {
  const request = { method: "POST", path: "/v1/predictions", body: BODY };
  return sendRequest(agent, server.url, withKey ? { ...request, key } : request);
}

async function measureKeyCheck(): Promise<void> {
  const durations = { withKey: [] as number[], withoutKey: [] as number[] };
  const pairs = Number(options.requests) / 2;
  for (let pair = -WARM_UP_PAIRS; pair < pairs; pair++) {
    // The order alternates, because work that one request leaves behind slows down the next.
    for (const withKey of pair % 2 === 0 ? [true, false] : [false, true]) {
      const { status, durationMs } = await predict(withKey);
      if (status !== 200) throw new Error(`unexpected status ${status}`);
      if (pair >= 0) durations[withKey ? "withKey" : "withoutKey"].push(durationMs);
    }
  }
  const [withKey, withoutKey] = [median(durations.withKey), median(durations.withoutKey)];
  console.log(
    `${2 * pairs} predictions: median ${withKey.toFixed(3)} ms with a key, ${withoutKey.toFixed(3)} ms without, ratio ${(withKey / withoutKey).toFixed(3)}`,
  );
}

async function measureRevocation(): Promise<void> {
  let accepted = 0;
  let refused = 0;
  let lastAcceptedAt = 0;
  let isDone = false;
  const callers = Array.from({ length: CONNECTIONS }, async () => {
    while (!isDone) {
      const { status } = await predict(true);
      if (status === 200) {
        accepted++;
        lastAcceptedAt = performance.now();
      } else if (status === 401) refused++;
      else throw new Error(`unexpected status ${status}`);
    }
  });
  await sleep(LOAD_BEFORE_REVOCATION_MS);
  const startedAt = performance.now();
  await revokeKey(target, KEY_NAME);
  const endedAt = performance.now();
  await sleep(LOAD_AFTER_REVOCATION_MS);
  isDone = true;
  await Promise.all(callers);
  const toSeconds = (ms: number) => (ms / 1000).toFixed(1);
  console.log(
    `revoked under load: ${accepted} accepted and ${refused} refused; the last one was accepted ` +
      `${toSeconds(lastAcceptedAt - startedAt)} s after the command started, ${toSeconds(lastAcceptedAt - endedAt)} s after it ended`,
  );
}
