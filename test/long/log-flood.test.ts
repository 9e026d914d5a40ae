/** Floods a server in deployed mode, and compares its log with what was sent. */
import { Agent } from "node:http";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type HttpRequest, sendRequest } from "../../bench/server/http-client.ts";
import { prepareState, startServer } from "../../bench/server/local-server.ts";
import { withLocalBindings } from "../../cloudflare/local-bindings.ts";
import { EXAMPLE_STONE } from "../../src/domain/diamond.ts";
import { createKey } from "../../training/registry/keys.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";

const CONNECTIONS = 50;
const MAX_GROWTH_BYTES = 4_000_000;

const folder = createScratchFolder();
const state = join(folder.path, "state");
let key: string;

/** Requests of strangers with the longest texts that a server in workerd accepts. */
const STRANGERS: readonly HttpRequest[] = [
  { method: "GET", path: `/v1/nothing/${"p".repeat(30_000)}` },
  { method: "GET", path: `/v1/models?${"q".repeat(60_000)}` },
  { method: "POST", path: `/v1/predictions?${"q".repeat(60_000)}`, body: "b".repeat(20_000) },
  { method: "DELETE", path: `/v1/models/x/versions/1/alias-periods?${"q".repeat(60_000)}` },
  { method: "GET", path: `/health?${"q".repeat(60_000)}` },
].map((request) => ({ ...request, userAgent: "x".repeat(60_000) }));

/** Sends requests in turn. Returns the status of each by its id, after the log is written. */
async function flood(
  vars: Record<string, string>,
  count: number,
  requests: readonly HttpRequest[],
): Promise<Map<string, number>> {
  const server = await startServer(state, { vars: { ACCESS: "keys", ...vars } });
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const statuses = new Map<string, number>();
  let sent = 0;
  const callers = Array.from({ length: CONNECTIONS }, async () => {
    while (sent < count) {
      const response = await sendRequest(agent, server.url, requests[sent++ % requests.length]!);
      statuses.set(String(response.headers["x-request-id"]), response.status);
    }
  });
  await Promise.all(callers);
  // The last request is in the log when the server finds it, and it was written after those before.
  const admin = { method: "GET", key } as const;
  for (const id of [...statuses.keys()].slice(-CONNECTIONS))
    await sendRequest(agent, server.url, { ...admin, path: `/v1/requests/${id}` });
  agent.destroy();
  await server.stop();
  return statuses;
}

interface Row {
  readonly id: string;
  readonly status: number;
  readonly repeats: number | null;
}

/** The rows of the log without those of the test itself, the dead-letter records, and the size of the database. */
function readLog() {
  return withLocalBindings(state, async ({ LOG_DB, MODELS }) => {
    const { results, meta } = await LOG_DB.prepare(
      `SELECT id, status, repeats FROM requests
       WHERE coalesce(route, '') NOT IN ('/v1/requests/:id', '/openapi.json')`,
    ).all<Row>();
    const { objects } = await MODELS.list({ prefix: "log-dead-letters/" });
    return { rows: results, deadLetters: objects.length, bytes: meta.size_after };
  });
}

async function measureGrowth(run: () => Promise<Map<string, number>>) {
  const before = await readLog();
  const known = new Set(before.rows.map(({ id }) => id));
  const statuses = await run();
  const after = await readLog();
  const rows = after.rows.filter(({ id }) => !known.has(id));
  expect(after.deadLetters).toBe(0);
  for (const { id, status } of rows) expect(statuses.get(id)).toBe(status);
  const counted = rows.reduce((sum, { repeats }) => sum + 1 + (repeats ?? 0), 0);
  return { statuses, rows, counted, growth: after.bytes - before.bytes };
}

beforeAll(async () => {
  await prepareState(state, { champion: false });
  const target = { kind: "local", state } as const;
  key = await createKey(target, { name: "flood", scopes: ["predict", "admin"], expiresAt: null });
});
afterAll(() => folder.remove());

test("10,000 requests of a stranger with the longest texts are all in the log, in few rows", async () => {
  const { statuses, rows, counted, growth } = await measureGrowth(() =>
    flood({ RATE_LIMITS: "on" }, 10_000, STRANGERS),
  );
  expect(statuses.size).toBe(10_000);
  expect(new Set(statuses.values())).toEqual(new Set([200, 401, 404, 405, 429]));
  expect(counted).toBe(10_000);
  expect(rows.length).toBeLessThan(5_000);
  expect(growth).toBeLessThanOrEqual(MAX_GROWTH_BYTES);
});

test("20,000 requests with a key have a row each", async () => {
  const invalid = JSON.stringify({ ...EXAMPLE_STONE, cut: "Ruby" });
  const requests: HttpRequest[] = [
    { method: "GET", path: "/v1/models", key },
    { method: "POST", path: "/v1/predictions", body: invalid, key },
  ];
  const { statuses, rows } = await measureGrowth(() => flood({ RATE_LIMITS: "off" }, 20_000, requests));
  expect(statuses.size).toBe(20_000);
  expect(rows.map(({ id }) => id).sort()).toEqual([...statuses.keys()].sort());
  expect(rows.every(({ repeats }) => repeats === null)).toBe(true);
});
