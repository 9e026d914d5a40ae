/**
 * A champion that moves under load, and a long history, on a local server of its own with a scratch state.
 *
 *   node bench/aliases.ts
 *
 * 50 connections ask for prices without a pause while the champion moves 20 times, each time to another
 * version, in turn through the API and through the command line. Then the pages of a model of 200 versions.
 */
import { execFile } from "node:child_process";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { executeStatements } from "../../cloudflare/d1.ts";
import { query, type Target } from "../../cloudflare/wrangler.ts";
import { createKey } from "../../training/registry/keys.ts";
import { median } from "../boosting/diamonds.ts";
import { prepare, ROOT, STONE, scratchFolder, serve } from "./local-server.ts";

const CONNECTIONS = 50;
const FLIPS = 20;
const PAUSE_MS = 2_000;
/** How long an isolate may go on with a version after it was replaced. */
const LIMIT_MS = 15_000;
const VERSIONS = 200;
const REPEATS = 50;

const state = join(scratchFolder(), "state");
const target: Target = { kind: "local", state };
await prepare(state, { champion: true });
await fillHistory();
const admin = await createKey(target, { name: "bench", scopes: ["admin"], expiresAt: null });
const { url, stop } = await serve(state, { vars: ["ACCESS:open", "RATE_LIMITS:off"] });
await flipUnderLoad();
await pageThroughHistory();
await stop();

/** Further versions of each model, with the files of the first: each answers as it does. */
async function fillHistory(): Promise<void> {
  const [rows = []] = await query(target, ["SELECT * FROM models WHERE version = 1"]);
  const columns = Object.keys(rows[0] ?? {});
  const copies = `SELECT ${columns.map((column) => (column === "version" ? "n.value" : `m."${column}"`)).join(", ")}
    FROM models AS m CROSS JOIN json_each('[${Array.from({ length: VERSIONS - 1 }, (_, i) => i + 2)}]') AS n WHERE m.version = 1`;
  await executeStatements(target, [
    `INSERT INTO models (${columns.map((column) => `"${column}"`).join(", ")}) ${copies};`,
  ]);
}

interface Answer {
  readonly status: number;
  readonly body: { readonly model?: { readonly name: string; readonly version: number } };
}

async function flipUnderLoad(): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  /** Until when each version was champion. */
  const until = new Map<string, number>();
  let over = false;
  let answered = 0;
  let failed = 0;
  let longest = 0;
  const clients = Array.from({ length: CONNECTIONS }, async () => {
    while (!over) {
      const asked = Date.now();
      const { status, body } = await send(agent, "POST", "/v1/predictions", STONE).catch(
        (): Answer => ({ status: 0, body: {} }),
      );
      answered++;
      if (status !== 200 || !body.model) failed++;
      else {
        const replaced = until.get(`${body.model.name}@${body.model.version}`);
        if (replaced !== undefined) longest = Math.max(longest, asked - replaced);
      }
    }
  });
  let current = "gradient-boosting@1";
  for (let flip = 1; flip <= FLIPS; flip++) {
    await new Promise((wait) => setTimeout(wait, PAUSE_MS));
    const next = `${flip % 2 === 0 ? "gradient-boosting" : "log-linear"}@${flip + 1}`;
    if (flip % 2 === 0) await promote(next);
    else {
      const { status } = await send(new Agent(), "PUT", "/v1/aliases/champion", {
        model: next,
        reason: "bench",
      });
      if (status !== 200) throw new Error(`the alias was not moved: ${status}`);
    }
    until.set(current, Date.now());
    current = next;
  }
  over = true;
  await Promise.all(clients);
  agent.destroy();
  console.log(
    `${answered} predictions at ${CONNECTIONS} connections through ${FLIPS} moves of the champion: ${failed} failed; ` +
      `the last answer of a version came ${(longest / 1000).toFixed(1)} s after it was replaced (at most ${LIMIT_MS / 1000} s)`,
  );
  if (failed > 0 || longest > LIMIT_MS) process.exitCode = 1;
}

async function promote(version: string): Promise<void> {
  const args = [join(ROOT, "scripts/promote.ts"), version, "--reason", "bench", "--state", state];
  await promisify(execFile)(process.execPath, args, { cwd: ROOT });
}

async function pageThroughHistory(): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const time = async (path: string) => {
    const times: number[] = [];
    for (let i = 0; i < REPEATS; i++) {
      const start = performance.now();
      await send(agent, "GET", path);
      times.push(performance.now() - start);
    }
    return `median ${median(times).toFixed(1)} ms, slowest ${Math.max(...times).toFixed(1)} ms`;
  };
  for (const limit of [20, 100]) {
    const path = `/v1/models/gradient-boosting?limit=${limit}`;
    console.log(`${VERSIONS} versions, pages of ${limit}: ${await time(path)}`);
  }
  agent.destroy();
}

function send(agent: Agent, method: string, path: string, body?: object): Promise<Answer> {
  return new Promise((done, fail) => {
    const headers = {
      "content-type": "application/json",
      ...(method === "PUT" && { authorization: `Bearer ${admin}` }),
    };
    const sent = request(`${url}${path}`, { method, headers, agent, timeout: 30_000 }, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      response.on("end", () => done({ status: response.statusCode ?? 0, body: JSON.parse(text) }));
      response.on("error", fail);
    });
    sent.on("error", fail);
    sent.on("timeout", () => sent.destroy(new Error("no answer within 30 s")));
    sent.end(body && JSON.stringify(body));
  });
}
