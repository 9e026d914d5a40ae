import { join } from "node:path";
import type { SQLInputValue } from "node:sqlite";
import { withLocalBindings } from "../../cloudflare/local-bindings.ts";
import { median } from "../../src/lib/statistics.ts";
import { DAY_MS } from "../../src/lib/time.ts";
import { createKey } from "../../training/registry/keys.ts";
import { fillLog } from "../server/fill-log.ts";
import type { Benchmark } from "../support/benchmark.ts";
import { getMedian, measureInRounds } from "../support/load.ts";
import type { Series } from "../support/results.ts";
import { openStateDatabase } from "../support/state-database.ts";
import { bundleFacet, startWorkerd, type WorkerdServer } from "../workerd/workerd.ts";

const DEFAULT_SIZES = [10_000, 100_000, 1_000_000];
const DEFAULT_SECONDS = 1;
const LOG_DAYS = 30;
const INSERTS = 1_000;

interface LogTable {
  readonly name: string;
  readonly size: number;
  readonly server: WorkerdServer;
  readonly insertMs: number;
}

/** Measures the first page of the log over one connection, and an insert, by the number of its rows. */
export async function measureLog(benchmark: Benchmark): Promise<Series[]> {
  const sizes = benchmark.getNumbers("log-rows", DEFAULT_SIZES);
  const facet = await bundleFacet(join(benchmark.scratch, "facet-log"));
  const state = await benchmark.copyTrainedState();
  const target = { kind: "local", state } as const;
  const key = await createKey(target, { name: "bench", scopes: ["admin"], expiresAt: null });
  const now = Date.now();
  const largest = Math.max(...sizes);
  const toTime = (row: number) => now - LOG_DAYS * DAY_MS * (1 - row / largest);
  const tables: LogTable[] = [];
  let filled = 0;
  // Each size continues the table of the size before it.
  for (const size of sizes) {
    await withLocalBindings(state, ({ LOG_DB }) =>
      fillLog(LOG_DB, { count: size - filled, from: toTime(filled), to: toTime(size) }),
    );
    filled = size;
    const copy = benchmark.copyState(state);
    const vars = { ACCESS: "keys", RATE_LIMITS: "off", LOG_RETENTION_DAYS: "90" };
    const server = await startWorkerd(facet, { state: benchmark.copyState(state), vars });
    tables.push({ size, name: `first page, ${size} rows`, server, insertMs: measureInserts(copy) });
  }
  const variants = tables.map(({ name, server }) => ({ name, url: `${server.url}/v1/requests`, key }));
  const seconds = benchmark.getNumber("seconds", DEFAULT_SECONDS);
  const rounds = await measureInRounds(variants, { connections: 1, seconds, rounds: benchmark.rounds });
  await Promise.all(tables.map(({ server }) => server.stop()));
  benchmark.requireSuccesses(rounds, variants);
  const toSeries = (name: string, getMs: (table: LogTable) => number): Series => ({
    name,
    unit: "rows in the log",
    points: tables.map((table) => ({ size: table.size, ms: getMs(table) })),
  });
  return [
    toSeries("GET /v1/requests", ({ name }) => getMedian(rounds, name, "p50Ms")),
    toSeries("an insert into the log", ({ insertMs }) => insertMs),
  ];
}

/** The median time in ms of inserting one row with a new id. */
function measureInserts(state: string): number {
  const database = openStateDatabase(state, "requests");
  // The disk's time for each transaction does not depend on the rows, and hides what does.
  database.exec("PRAGMA synchronous = OFF");
  const row = database.prepare("SELECT * FROM requests ORDER BY id DESC LIMIT 1").get() as Record<
    string,
    SQLInputValue
  >;
  const columns = Object.keys(row);
  const insert = database.prepare(
    `INSERT INTO requests (${columns.join(", ")}) VALUES (${columns.map(() => "?").join(", ")})`,
  );
  const durations: number[] = [];
  for (let i = 0; i < INSERTS; i++) {
    const id = `${String(row.id).slice(0, -4)}${i.toString(16).padStart(4, "0")}-${i}`;
    const values = Object.values({ ...row, id });
    const startedAt = performance.now();
    insert.run(...values);
    durations.push(performance.now() - startedAt);
  }
  database.close();
  return median(durations);
}
