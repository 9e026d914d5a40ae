/**
 * What a key costs, and how long a revoked one goes on, on a local server of its own with a scratch state.
 *
 *   node bench/keys.ts
 *   node bench/keys.ts --requests 5000
 *
 * 20,000 predictions at one connection, with a key and without one in turn: one that is sent is checked
 * also where none is needed. Then a key is revoked while ten connections use it.
 */
import { Agent, request } from "node:http";
import { join } from "node:path";
import { parseArgs } from "node:util";
import type { Target } from "../../cloudflare/wrangler.ts";
import { createKey, revokeKey } from "../../training/registry/keys.ts";
import { median } from "../boosting/diamonds.ts";
import { prepare, STONE, scratchFolder, serve } from "./local-server.ts";

const { values } = parseArgs({ options: { requests: { type: "string", default: "20000" } } });
const target: Target = { kind: "local", state: join(scratchFolder(), "state") };
const WARM_UP = 500;
const CONNECTIONS = 10;
/** How long the load goes on after the revocation: longer than a revoked key may. */
const AFTER_MS = 20_000;
const BODY = JSON.stringify(STONE);

const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });

/** Prices a stone; returns the status and the milliseconds that it took. */
function ask(key: string | null): Promise<{ status: number; ms: number }> {
  const started = performance.now();
  return new Promise((done, fail) => {
    const headers = {
      "content-type": "application/json",
      "content-length": BODY.length,
      ...(key !== null && { authorization: `Bearer ${key}` }),
    };
    const asked = request(`${server.url}/v1/predictions`, { method: "POST", agent, headers }, (response) => {
      response.resume();
      response.on("end", () => done({ status: response.statusCode ?? 0, ms: performance.now() - started }));
    });
    asked.on("error", fail);
    asked.end(BODY);
  });
}

async function cost(key: string): Promise<void> {
  const taken: { key: number[]; none: number[] } = { key: [], none: [] };
  const turns = Number(values.requests) / 2;
  for (let turn = -WARM_UP; turn < turns; turn++) {
    // Who comes first changes: what is left over from one request falls to the next.
    const order = turn % 2 === 0 ? (["key", "none"] as const) : (["none", "key"] as const);
    for (const way of order) {
      const { status, ms } = await ask(way === "key" ? key : null);
      if (status !== 200) throw new Error(`answered ${status}`);
      if (turn >= 0) taken[way].push(ms);
    }
  }
  const [withKey, without] = [median(taken.key), median(taken.none)];
  console.log(
    `${2 * turns} predictions: median ${withKey.toFixed(3)} ms with a key, ${without.toFixed(3)} ms without, ratio ${(withKey / without).toFixed(3)}`,
  );
}

async function revocation(name: string, key: string): Promise<void> {
  let accepted = 0;
  let lastAccepted = 0;
  let refused = 0;
  let ended = false;
  const callers = Array.from({ length: CONNECTIONS }, async () => {
    while (!ended) {
      const { status } = await ask(key);
      if (status === 200) {
        accepted++;
        lastAccepted = performance.now();
      } else if (status === 401) refused++;
      else throw new Error(`answered ${status}`);
    }
  });
  await new Promise((wait) => setTimeout(wait, 3000));
  const begun = performance.now();
  await revokeKey(target, name);
  const committed = performance.now();
  await new Promise((wait) => setTimeout(wait, AFTER_MS));
  ended = true;
  await Promise.all(callers);
  console.log(
    `revoked under load: ${accepted} accepted and ${refused} refused; the last accepted one ${((lastAccepted - begun) / 1000).toFixed(1)} s after the command began, ${((lastAccepted - committed) / 1000).toFixed(1)} s after it ended`,
  );
}

await prepare(target.state, { champion: true });
const server = await serve(target.state, { vars: ["ACCESS:open", "RATE_LIMITS:off"] });
const key = await createKey(target, { name: "bench", scopes: ["predict"], expiresAt: null });
await cost(key);
await revocation("bench", key);
agent.destroy();
await server.stop();
