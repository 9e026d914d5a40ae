/** Rows with texts as long as an earlier version of the Worker stored them, and the size of what is read. */
import { env } from "cloudflare:workers";
import { firstIdAt } from "../../../../src/domain/request-id.ts";
import { overrideMethods } from "../faults.ts";

/** The longest texts that an earlier version stored. `length()` counts no character of a body. */
export const LONG_TEXTS = { userAgent: 120_000, query: 60_000, requestBody: 250_000 } as const;

/** Inserts rows of predictions with long texts, one per millisecond. The database makes the texts. */
export async function insertLongRows(firstAt: number, count: number): Promise<void> {
  await env.LOG_DB.prepare(
    `WITH RECURSIVE numbers(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < ?2)
     INSERT INTO requests (id, at, method, path, route, query, status, duration_ms, request_body, response_body,
       model, model_version, price, user_agent)
     SELECT substr(printf('%012x', ?1 + n), 1, 8) || '-' || substr(printf('%012x', ?1 + n), 9) ||
         printf('-7000-8000-%012x', n), ?1 + n,
       'POST', '/v1/predictions', '/v1/predictions', hex(zeroblob(${LONG_TEXTS.query / 2})), 200, 1,
       char(0) || hex(zeroblob(${LONG_TEXTS.requestBody / 2})), NULL, 'steep', 1, 1000,
       hex(zeroblob(${LONG_TEXTS.userAgent / 2}))
     FROM numbers`,
  )
    .bind(firstAt, count)
    .run();
}

export const firstLongRowId = (firstAt: number) => `${firstIdAt(firstAt)}-7000-8000-000000000000`;

/** Wraps the log's database so that it measures the largest answer, as JSON. */
export function createMeasuringDatabase(): { db: D1Database; getLargestAnswer: () => number } {
  let largest = 0;
  const measure = <T>(results: T): T => {
    largest = Math.max(largest, new TextEncoder().encode(JSON.stringify(results)).byteLength);
    return results;
  };
  const realStatements = new WeakMap<D1PreparedStatement, D1PreparedStatement>();
  const wrapStatement = (real: D1PreparedStatement): D1PreparedStatement => {
    const wrapped = overrideMethods(real, {
      bind: (...values: unknown[]) => wrapStatement(real.bind(...values)),
      all: async <T>() => measure(await real.all<T>()),
    });
    realStatements.set(wrapped, real);
    return wrapped;
  };
  const db = overrideMethods(env.LOG_DB, {
    prepare: (sql: string) => wrapStatement(env.LOG_DB.prepare(sql)),
    batch: async <T>(statements: D1PreparedStatement[]) =>
      measure(await env.LOG_DB.batch<T>(statements.map((one) => realStatements.get(one) ?? one))),
  });
  return { db, getLargestAnswer: () => largest };
}
