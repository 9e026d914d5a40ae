/**
 * Measures how long a revoked key still works, on a local server with a scratch state: a key is revoked while
 * ten connections use it. `npm run bench -- serve` measures what a key costs.
 *
 *   npm run bench -- keys
 */
import { Agent } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { Target } from "../../cloudflare/wrangler.ts";
import { EXAMPLE_STONE } from "../../src/domain/diamond.ts";
import { createKey, revokeKey } from "../../training/registry/keys.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";
import { type HttpResponse, sendRequest } from "./http-client.ts";
import { prepareState, startServer } from "./local-server.ts";

const CONNECTIONS = 10;
const LOAD_BEFORE_REVOCATION_MS = 3_000;
/** A revoked key may work for at most this time. */
const MAX_ACCEPTED_MS = 15_000;
const LOAD_AFTER_REVOCATION_MS = 20_000;
const KEY_NAME = "bench";
const BODY = JSON.stringify(EXAMPLE_STONE);

const target: Target = { kind: "local", state: join(createScratchFolder(), "state") };
await prepareState(target.state, { champion: true });
const server = await startServer(target.state, { vars: { ACCESS: "open", RATE_LIMITS: "off" } });
const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
const key = await createKey(target, { name: KEY_NAME, scopes: ["predict"], expiresAt: null });
await measureRevocation();
agent.destroy();
await server.stop();

function predict(): Promise<HttpResponse> {
  return sendRequest(agent, server.url, { method: "POST", path: "/v1/predictions", body: BODY, key });
}

async function measureRevocation(): Promise<void> {
  let accepted = 0;
  let refused = 0;
  let lastAcceptedAt = 0;
  let isDone = false;
  const callers = Array.from({ length: CONNECTIONS }, async () => {
    while (!isDone) {
      const { status } = await predict();
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
  if (lastAcceptedAt - endedAt > MAX_ACCEPTED_MS) process.exitCode = 1;
}
