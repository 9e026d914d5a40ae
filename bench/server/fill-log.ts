import type { D1Database } from "@cloudflare/workers-types";

const ROWS_PER_STATEMENT = 20_000;

/** Inserts rows as traffic would: mostly predictions by two models, some errors, a few slow requests. */
export async function fillLog(
  db: D1Database,
  { count, from, to }: { readonly count: number; readonly from: number; readonly to: number },
): Promise<void> {
  const insert = db.prepare(`
    WITH RECURSIVE n(i) AS (SELECT ?1 UNION ALL SELECT i + 1 FROM n WHERE i + 1 < ?2),
    r AS MATERIALIZED (SELECT i, CAST(?3 + i * ?4 AS INTEGER) AS at, abs(random()) % 1000 AS a, abs(random()) % 1000 AS b,
      abs(random()) AS c FROM n),
    s AS (SELECT *, CASE WHEN a < 930 THEN '/v1/predictions' WHEN a < 935 THEN '/v1/models/:name'
      WHEN a < 990 THEN '/v1/diamonds/similar' WHEN a < 995 THEN '/health' END AS route,
      CASE WHEN a >= 995 THEN 404 WHEN b < 30 THEN 422 WHEN b < 31 THEN 503
        WHEN b = 31 AND a < 60 THEN 201 ELSE 200 END AS status FROM r)
    INSERT INTO requests (id, at, method, path, route, status, duration_ms, request_body, response_body, model,
      model_version, price, caller, user_agent, country, colo)
    SELECT printf('%08x-%04x-7%03x-8%03x-%012x', at >> 16, at & 65535, a, b, c % 281474976710656), at,
      CASE WHEN route = '/v1/predictions' THEN 'POST' ELSE 'GET' END,
      CASE WHEN route IS NULL THEN '/v1/nothing/' || i WHEN route = '/v1/models/:name' THEN '/v1/models/log-linear' ELSE route END,
      route, status, CASE WHEN b % 200 = 7 THEN c % 3000 ELSE c % 9 + 0.5 END,
      CASE WHEN route = '/v1/predictions' THEN json_object('carat', 0.3 + (c % 200) / 100.0, 'cut', 'Ideal', 'color', 'E',
        'clarity', 'VS1', 'depth', 60.1 + c % 3, 'table', 55 + c % 4, 'x', 6.1, 'y', 6.2, 'z', 3.8) END,
      json_object('id', i, 'price', c % 9000, 'currency', 'USD', 'imputed', json_array(), 'warnings', json_array(),
        'model', json_object('name', 'gradient-boosting', 'version', 1)),
      CASE WHEN route = '/v1/predictions' AND status = 200 THEN CASE WHEN i % 997 = 0 THEN 'log-linear' ELSE 'gradient-boosting' END END,
      CASE WHEN route = '/v1/predictions' AND status = 200 THEN 1 END,
      CASE WHEN route = '/v1/predictions' AND status = 200 THEN c % 9000 + 300 END,
      CASE WHEN b = 5 THEN 'marta' ELSE 'shop' END, 'bench', 'IT', 'MXP'
    FROM s`);
  for (let i = 0; i < count; i += ROWS_PER_STATEMENT)
    await insert.bind(i, Math.min(i + ROWS_PER_STATEMENT, count), from, (to - from) / count).run();
}
