/**
 * Moves the champion under load, on a local server with a scratch state.
 *
 *   npm run bench -- aliases
 *
 * 50 connections request prices without a pause while the champion moves 20 times to another version,
 * alternately through the command line and the API.
 */
import { execFile } from "node:child_process";
import { Agent } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { promisify } from "node:util";
import { executeStatements } from "../../cloudflare/d1.ts";
import { query, REPOSITORY_ROOT, type Target } from "../../cloudflare/wrangler.ts";
import { EXAMPLE_STONE } from "../../src/domain/diamond.ts";
import { createKey } from "../../training/registry/keys.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";
import { sendRequest } from "./http-client.ts";
import { prepareState, startServer } from "./local-server.ts";

const CONNECTIONS = 50;
const MOVES = 20;
const MOVE_INTERVAL_MS = 2_000;
/** An isolate may serve a replaced version for at most this time. */
const MAX_STALE_MS = 15_000;

const state = join(createScratchFolder(), "state");
const target: Target = { kind: "local", state };
await prepareState(state, { champion: true });
await addVersions();
const key = await createKey(target, { name: "bench", scopes: ["admin"], expiresAt: null });
const { url, stop } = await startServer(state, { vars: { ACCESS: "open", RATE_LIMITS: "off" } });
await moveAliasUnderLoad();
await stop();

/** Copies version 1 of each model, so that each move has a version of its own. All share one file. */
async function addVersions(): Promise<void> {
  const [rows = []] = await query(target, ["SELECT * FROM models WHERE version = 1"]);
  const columns = Object.keys(rows[0] ?? {});
  const names = columns.map((column) => `"${column}"`).join(", ");
  const values = columns.map((column) => (column === "version" ? "n.value" : `m."${column}"`)).join(", ");
  const versions = Array.from({ length: MOVES }, (_, i) => i + 2);
  await executeStatements(target, [
    `INSERT INTO models (${names})
    SELECT ${values} FROM models AS m CROSS JOIN json_each('[${versions}]') AS n WHERE m.version = 1;`,
  ]);
}

async function moveAliasUnderLoad(): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  /** By version: the time in ms at which it was replaced. */
  const replacedAt = new Map<string, number>();
  let isDone = false;
  let requests = 0;
  let failures = 0;
  let longestStaleMs = 0;
  const callers = Array.from({ length: CONNECTIONS }, async () => {
    while (!isDone) {
      const sentAt = Date.now();
      const version = await predict(agent);
      requests++;
      if (version === null) failures++;
      else longestStaleMs = Math.max(longestStaleMs, sentAt - (replacedAt.get(version) ?? sentAt));
    }
  });
  let champion = "gradient-boosting@1";
  for (let move = 1; move <= MOVES; move++) {
    await sleep(MOVE_INTERVAL_MS);
    const useCommand = move % 2 === 0;
    const next = `${useCommand ? "gradient-boosting" : "log-linear"}@${move + 1}`;
    await (useCommand ? promoteByCommand(next) : promoteByApi(next));
    replacedAt.set(champion, Date.now());
    champion = next;
  }
  isDone = true;
  await Promise.all(callers);
  agent.destroy();
  console.log(
    `${requests} predictions over ${CONNECTIONS} connections during ${MOVES} moves of the champion: ${failures} failed; ` +
      `a replaced version answered for at most ${(longestStaleMs / 1000).toFixed(1)} s (limit: ${MAX_STALE_MS / 1000} s)`,
  );
  if (failures > 0 || longestStaleMs > MAX_STALE_MS) process.exitCode = 1;
}

/** Requests a price and returns the version that answered; null if the request failed. */
async function predict(agent: Agent): Promise<string | null> {
  const body = JSON.stringify(EXAMPLE_STONE);
  const request = { method: "POST", path: "/v1/predictions", body };
  const response = await sendRequest(agent, url, request).catch(() => null);
  if (response?.status !== 200) return null;
  const { model } = JSON.parse(response.text) as { model: { name: string; version: number } };
  return `${model.name}@${model.version}`;
}

async function promoteByCommand(version: string): Promise<void> {
  const script = join(REPOSITORY_ROOT, "scripts/promote.ts");
  const args = [script, version, "--reason", "bench", "--state", state];
  await promisify(execFile)(process.execPath, args, { cwd: REPOSITORY_ROOT });
}

async function promoteByApi(version: string): Promise<void> {
  const body = JSON.stringify({ model: version, reason: "bench" });
  const request = { method: "PUT", path: "/v1/aliases/champion", body, key };
  const { status } = await sendRequest(new Agent(), url, request);
  if (status !== 200) throw new Error(`the alias was not moved: status ${status}`);
}
