/**
 * The log under load, and what it costs, on a local server of its own with a scratch state.
 *
 *   node bench/log-load.ts                    both
 *   node bench/log-load.ts --requests 20000   is every request in the log? A third of them are bad
 *   node bench/log-load.ts --pairs 5          time of an answer at one connection, with the log and without
 *
 * Both run copies of the Worker whose rate limits are out of reach; in the one without the log,
 * bench/server/no-op-log.ts stands in for src/middleware/request-log.ts.
 */
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { Agent, request } from "node:http";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { generator, median } from "../boosting/diamonds.ts";
import { prepare, ROOT, STONE, scratchFolder, serve, withBindings } from "./local-server.ts";

const CONNECTIONS = 50;
/** Requests of one measurement at one connection, after so many that do not count. */
const MEASURED = 1500;
const WARM_UP = 300;

interface Ask {
  readonly method: string;
  readonly path: string;
  readonly body?: string;
}

const price = (body: string): Ask => ({ method: "POST", path: "/v1/predictions", body });

/** What callers ask; a third of it is bad. */
const GOOD: readonly ((random: () => number) => Ask)[] = [
  (random) => price(JSON.stringify({ ...STONE, carat: 0.3 + 2 * random() })),
  (random) => price(JSON.stringify({ carat: 0.3 + random(), cut: "Good", color: "D", clarity: "IF" })),
  () => ({ method: "GET", path: "/v1/diamonds/similar?carat=1&cut=Ideal&color=E&clarity=VS1&n=3" }),
  () => ({
    method: "POST",
    path: "/v1/predictions/batch",
    body: JSON.stringify({ diamonds: Array.from({ length: 20 }, () => STONE) }),
  }),
  () => ({ method: "GET", path: "/v1/models" }),
  () => ({ method: "GET", path: "/health" }),
];
const BAD: readonly ((random: () => number) => Ask)[] = [
  () => price(JSON.stringify({ ...STONE, cut: "Ruby" })),
  (random) => price(JSON.stringify({ ...STONE, carat: -random() })),
  () => price('{"carat": 1'),
  () => ({ method: "GET", path: "/v1/nothing" }),
  () => ({ method: "DELETE", path: "/v1/predictions" }),
  // Larger than a row's bodies may be.
  (random) => price(random() < 0.02 ? "x".repeat(400_000) : "[]"),
];

const { values: options } = parseArgs({
  options: { requests: { type: "string" }, pairs: { type: "string" } },
});
const both = options.requests === undefined && options.pairs === undefined;
const requests = Number(options.requests ?? (both ? 20_000 : 0));
const pairs = Number(options.pairs ?? (both ? 5 : 0));

const folder = scratchFolder();
const state = join(folder, "state");
await prepare(state, { champion: true });
if (requests > 0) await load(state, requests);
if (pairs > 0) await compare(state, pairs);

/** Asks so many at 50 connections, and compares the ids of the answers with those in the log. */
async function load(state: string, count: number): Promise<void> {
  const { url, stop } = await serveCopy("load", state);
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const random = generator(1);
  const pick = (kinds: typeof GOOD) => kinds[Math.floor(random() * kinds.length)]!(random);
  const ids = new Map<string, number>();
  const statuses = new Map<string, number>();
  const times: number[] = [];
  let asked = 0;
  let failed = 0;
  const before = await logged(state);
  const start = performance.now();
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (asked < count) {
        const ask = pick(asked++ % 3 === 0 ? BAD : GOOD);
        try {
          const { id, status, ms } = await send(url, agent, ask);
          ids.set(id, status);
          times.push(ms);
          const kind = `${Math.floor(status / 100)}xx`;
          statuses.set(kind, (statuses.get(kind) ?? 0) + 1);
        } catch (error) {
          failed++;
          console.error(`no answer: ${error}`);
        }
      }
    }),
  );
  const seconds = (performance.now() - start) / 1000;
  agent.destroy();
  // What is written after the last answers; a gathered row takes milliseconds, one that is retried some seconds.
  await new Promise((wait) => setTimeout(wait, 3000));
  await stop();

  const after = await logged(state);
  const known = new Set([...before.rows, ...before.letters].map(({ id }) => id));
  const rows = after.rows.filter(({ id }) => !known.has(id));
  const letters = after.letters.filter(({ id }) => !known.has(id));
  const found = new Map([...rows, ...letters].map(({ id, status }) => [id, status]));
  const missing = [...ids].filter(([id, status]) => found.get(id) !== status).length;
  // An id is the table's primary key: double means that it was also left in the bucket, or was never asked.
  const double = rows.length + letters.length - found.size;
  const strange = [...found.keys()].filter((id) => !ids.has(id)).length;
  const kinds = [...statuses].sort().map(([kind, n]) => `${n} ${kind}`);
  console.log(`
${ids.size} answers with ids of their own at ${CONNECTIONS} connections in ${seconds.toFixed(1)} s (${Math.round(count / seconds)}/s): ${kinds.join(", ")}; ${failed} without an answer
p50 ${quantile(times, 0.5).toFixed(1)} ms, p99 ${quantile(times, 0.99).toFixed(1)} ms
in the log: ${rows.length} rows, ${after.bodies - before.bodies} of them with bodies in the bucket, and ${letters.length} dead letters
missing ${missing}, double ${double}, not ours ${strange}`);
  if (missing + double + strange + failed > 0) process.exitCode = 1;
}

/** The time of a prediction at one connection, with the log and without it in turn. */
async function compare(state: string, count: number): Promise<void> {
  const copied = join(folder, "state-without-log");
  cpSync(state, copied, { recursive: true });

  const logs = await serveCopy("with-log", state);
  const logsNot = await serveCopy("without-log", copied);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const p50 = async ({ url }: { url: string }) => {
    for (let i = 0; i < WARM_UP; i++) await send(url, agent, price(JSON.stringify(STONE)));
    const times: number[] = [];
    for (let i = 0; i < MEASURED; i++) times.push((await send(url, agent, price(JSON.stringify(STONE)))).ms);
    return median(times);
  };
  const ratios: number[] = [];
  console.log("\n| p50 with the log | without | ratio |\n|---|---|---|");
  for (let pair = 0; pair < count; pair++) {
    // The order changes from pair to pair.
    const first = pair % 2 === 0 ? logs : logsNot;
    const a = await p50(first);
    const b = await p50(first === logs ? logsNot : logs);
    const [withLog, without] = first === logs ? [a, b] : [b, a];
    ratios.push(withLog / without);
    console.log(
      `| ${withLog.toFixed(3)} ms | ${without.toFixed(3)} ms | ${(withLog / without).toFixed(3)} |`,
    );
  }
  agent.destroy();
  await Promise.all([logs.stop(), logsNot.stop()]);
  const before = (await logged(copied)).rows.length;
  const after = (await logged(state)).rows.length;
  console.log(`\nmedian ratio of ${count} pairs: ${median(ratios).toFixed(3)}`);
  console.log(`rows written meanwhile: ${after - before} with the log`);
}

/** Serves a copy of the Worker that takes any number of requests from one address; one is made without the log. */
function serveCopy(name: "load" | "with-log" | "without-log", state: string) {
  const project = join(folder, name);
  mkdirSync(project);
  for (const path of ["src", "wrangler.toml", "dist", "migrations"])
    cpSync(join(ROOT, path), join(project, path), { recursive: true });
  symlinkSync(join(ROOT, "node_modules"), join(project, "node_modules"));
  const config = join(project, "wrangler.toml");
  const settings = readFileSync(config, "utf8")
    .replace(/^\[build\]\n(.+\n)+/m, "")
    .replaceAll(/limit = \d+/g, "limit = 1000000000");
  writeFileSync(config, settings);
  if (name === "without-log")
    cpSync(join(ROOT, "bench/server/no-op-log.ts"), join(project, "src/middleware/request-log.ts"));
  return serve(state, { project, vars: ["ACCESS:open"] });
}

interface Answer {
  readonly id: string;
  readonly status: number;
  /** From the request's start to the answer's end. */
  readonly ms: number;
}

function send(server: string, agent: Agent, { method, path, body }: Ask): Promise<Answer> {
  return new Promise((done, fail) => {
    const start = performance.now();
    const headers = body === undefined ? {} : { "content-type": "application/json" };
    const sent = request(`${server}${path}`, { method, headers, agent, timeout: 30_000 }, (response) => {
      response.resume();
      response.on("error", fail);
      response.on("end", () => {
        const id = String(response.headers["x-request-id"]);
        done({ id, status: response.statusCode ?? 0, ms: performance.now() - start });
      });
    });
    sent.on("error", fail);
    sent.on("timeout", () => sent.destroy(new Error("no answer within 30 s")));
    sent.end(body);
  });
}

interface Logged {
  readonly rows: { id: string; status: number }[];
  readonly letters: { id: string; status: number }[];
  /** Rows whose bodies are in the bucket, and are there. */
  readonly bodies: number;
}

/** What the log of a state holds, with no server on it. */
function logged(state: string): Promise<Logged> {
  return withBindings(state, async ({ LOG_DB, MODELS }) => {
    const rows: (Logged["rows"][number] & { bodies: string | null })[] = [];
    for (;;) {
      const { results } = await LOG_DB.prepare(
        "SELECT id, status, bodies FROM requests WHERE id > ?1 ORDER BY id LIMIT 10000",
      )
        .bind(rows.at(-1)?.id ?? "")
        .all<(typeof rows)[number]>();
      rows.push(...results);
      if (results.length === 0) break;
    }
    const letters: Logged["letters"] = [];
    for (let cursor: string | undefined, more = true; more; ) {
      const page = await MODELS.list({ prefix: "log-dead-letters/", ...(cursor && { cursor }) });
      for (const { key } of page.objects) letters.push(await (await MODELS.get(key))!.json());
      more = page.truncated;
      cursor = page.truncated ? page.cursor : undefined;
    }
    let bodies = 0;
    for (const { bodies: key } of rows) if (key !== null && (await MODELS.head(key)) !== null) bodies++;
    return { rows, letters, bodies };
  });
}

function quantile(values: readonly number[], q: number): number {
  return values.toSorted((a, b) => a - b)[Math.floor(q * (values.length - 1))] ?? Number.NaN;
}
