import Table from "cli-table3";
import { COLUMNS } from "./columns.ts";

/** Queries to begin with. A test runs them. */
export const EXAMPLES: readonly { readonly question: string; readonly sql: string }[] = [
  {
    question: "Quotes by day and clarity",
    sql: "SELECT day, upper(request_body->>'clarity') AS clarity, count(*) AS quotes, round(avg(price)) AS price FROM requests WHERE route = '/v1/predictions' AND status = 200 GROUP BY ALL ORDER BY ALL",
  },
  {
    question: "Slow answers by hour",
    sql: "SELECT date_trunc('hour', arrived_at) AS hour, count(*) AS requests, round(quantile_cont(duration_ms, 0.99), 1) AS p99_ms FROM requests WHERE day >= current_date - 7 GROUP BY ALL ORDER BY ALL",
  },
  {
    question: "What callers got wrong",
    sql: "SELECT caller, response_body->>'$.errors[0].path' AS field, count(*) AS refused, any_value(response_body->>'$.errors[0].message') AS example FROM requests WHERE status = 422 GROUP BY ALL ORDER BY refused DESC LIMIT 20",
  },
];

const NOTE =
  "The SQL is DuckDB's. request_body->>'clarity' is a field of a body, (request_body->>'carat')::DOUBLE a number.\nWrite ->> in parentheses beside AND, OR, = and <: they bind stronger.";

/** The columns of the view, and queries to begin with. */
export function describeView(): string {
  const table = new Table({ head: ["column", "type", "meaning"], style: { head: [], border: [] } });
  for (const { name, type, meaning } of COLUMNS) table.push([name, type, meaning]);
  const examples = EXAMPLES.map(({ question, sql }) => `${question}:\n  npm run logs -- query "${sql}"`);
  return `The view requests has a row for each request:\n${table}\n\n${NOTE}\n\n${examples.join("\n\n")}\n`;
}
