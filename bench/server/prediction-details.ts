/**
 * Measures what the range, the asking price, the warnings, the explanation and the comparable stones add to a
 * prediction of the champion, on a local server with a scratch state.
 *
 *   npm run bench -- details
 *
 * The variants take turns in random order, request by request, over one connection. `without` is a copy of the champion whose
 * record has no calibration, no limits and no background. Prints the median time of each variant, and the
 * median of the differences to the `without` request of the same turn.
 */
import { Agent } from "node:http";
import { join } from "node:path";
import Table from "cli-table3";
import { executeStatements } from "../../cloudflare/d1.ts";
import { query, type Target } from "../../cloudflare/wrangler.ts";
import { EXAMPLE_STONE } from "../../src/domain/diamond.ts";
import { median } from "../../src/lib/statistics.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";
import { sendRequest } from "./http-client.ts";
import { prepareState, startServer } from "./local-server.ts";

const WARM_UP_TURNS = 30;
const TURNS = 400;
const VARIANTS = {
  without: "model=without",
  "with range and warnings": "",
  asking: "asking=4200&coverage=0.8",
  "5 comparables": "comparables=5",
  explain: "explain=true",
} as const;
type Variant = keyof typeof VARIANTS;

const state = join(createScratchFolder(), "state");
const target: Target = { kind: "local", state };
await prepareState(state, { champion: true });
await addVersionWithoutFacts();
const { url, stop } = await startServer(state, { vars: { ACCESS: "open", RATE_LIMITS: "off" } });
try {
  await measure();
} finally {
  await stop();
}

/** Copies the champion's row as a model of its own, which has the same file. */
async function addVersionWithoutFacts(): Promise<void> {
  const [rows = []] = await query(target, ["SELECT * FROM models WHERE name = 'gradient-boosting'"]);
  const columns = Object.keys(rows[0] ?? {});
  const dropped = ["calibration", "plausibility", "background"];
  const values = columns.map((column) => {
    if (column === "name") return "'without'";
    return dropped.includes(column) ? "NULL" : `"${column}"`;
  });
  await executeStatements(target, [
    `INSERT INTO models (${columns.map((column) => `"${column}"`).join(", ")})
    SELECT ${values.join(", ")} FROM models WHERE name = 'gradient-boosting';`,
  ]);
}

async function measure(): Promise<void> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const durations = new Map<Variant, number[]>();
  const differences = new Map<Variant, number[]>();
  const names = Object.keys(VARIANTS) as Variant[];
  for (let turn = -WARM_UP_TURNS; turn < TURNS; turn++) {
    const timed = new Map<Variant, number>();
    // Another order in each turn, so that no variant always follows the slowest: a request still costs time
    // after its answer.
    const order = names.map((name) => ({ name, key: Math.random() })).sort((a, b) => a.key - b.key);
    for (const { name } of order) timed.set(name, await predict(agent, VARIANTS[name]));
    if (turn < 0) continue;
    for (const [name, duration] of timed) {
      durations.set(name, [...(durations.get(name) ?? []), duration]);
      const difference = duration - timed.get("without")!;
      differences.set(name, [...(differences.get(name) ?? []), difference]);
    }
  }
  agent.destroy();
  const table = new Table({ head: ["variant", "median, ms", "added, ms"], style: { head: [] } });
  for (const name of names) {
    table.push([name, median(durations.get(name)!).toFixed(2), median(differences.get(name)!).toFixed(2)]);
  }
  console.log(`${TURNS} turns\n${table.toString()}`);
}

async function predict(agent: Agent, parameters: string): Promise<number> {
  const body = JSON.stringify(EXAMPLE_STONE);
  const path = `/v1/predictions?${parameters}`;
  const { status, durationMs, text } = await sendRequest(agent, url, { method: "POST", path, body });
  if (status !== 200) throw new Error(`${path}: ${status} ${text}`);
  return durationMs;
}
