/** Mistakes on the command line of `npm run logs`. */
import { mkdirSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { applyMigrations } from "../../../cloudflare/d1.ts";
import { LOG_DATABASE } from "../../../cloudflare/worker-config.ts";
import { COLUMNS } from "../../../scripts/logs/columns.ts";
import { withDuckDB } from "../../../scripts/logs/duckdb.ts";
import { deleteCopy } from "../../../scripts/logs/log-copy.ts";
import { openView, runQuery } from "../../../scripts/logs/query.ts";
import { startScript } from "../../support/run-script.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";
import { queryLogs, runLogs } from "./archived-log.ts";

const folder = createScratchFolder();
const state = join(folder.path, "state");
const target = { kind: "local", state } as const;

beforeAll(() => applyMigrations(target, [LOG_DATABASE]));
afterAll(async () => {
  await deleteCopy(target);
  folder.remove();
});

describe("npm run logs", () => {
  test("refuses wrong options with one line that names them", async () => {
    const mistakes: [string[], string][] = [
      [
        ["query", "SELECT 1", "--since", "yesterday"],
        'must be a date or a time in ISO 8601, such as 2026-11-24 or 2026-11-24T09:30:00Z, not "yesterday"',
      ],
      [
        ["query", "SELECT 1", "--format", "xml"],
        '--format must be one of table, csv, json, ndjson, not "xml"',
      ],
      [
        ["query", "SELECT 1", "--since", "2026-11-02", "--until", "2026-11-01"],
        "--since must be before --until",
      ],
      [["export"], "required option '--out <folder>' not specified"],
      [
        ["export", "--out", "x", "--format", "avro"],
        '--format must be one of parquet, csv, ndjson, not "avro"',
      ],
      [
        ["export", "--out", "x", "--since", "2026-11-01T10:00"],
        'must be a day such as 2026-11-01, not "2026-11-01T10:00"',
      ],
      [["query", "SELECT 1", "--state", join(folder.path, "nothing")], "nothing has no log"],
    ];
    const results = await Promise.all(mistakes.map(([args]) => runLogs(state, ...args)));
    for (const [i, { code, output }] of results.entries()) {
      expect(output).toContain(mistakes[i]?.[1]);
      expect(output.trimEnd().split("\n")).toHaveLength(1);
      expect(code).toBe(1);
    }
  });

  test("prints the query's rows as a table, and a mistake in SQL with the columns", async () => {
    // A caller's text cannot control the terminal.
    const sql = "SELECT count(*) AS n, chr(27) || '[1m' AS text FROM requests";
    const { code, output } = await runLogs(state, "query", sql);
    expect(output).toMatch(/^┌.*\n│ n │ text │\n│ 0 │ \uFFFD\[1m │\n.*\n1 row\n$/);
    expect(code).toBe(0);
    const mistake = await runLogs(state, "query", "SELECT clarity FROM requests");
    expect(mistake.output).toContain('Referenced column "clarity" not found');
    expect(mistake.output).toContain("request_body, response_body");
    expect(mistake.code).toBe(1);
  });
});

test("a program that reads only the start of the output ends the command without an error", async () => {
  const sql = "SELECT range AS n FROM range(1_000_000)";
  const args = ["query", sql, "--format", "ndjson", "--state", state];
  const { child, finished, waitForOutput } = startScript(args, "scripts/logs.ts");
  await waitForOutput('{"n":0}');
  child.stdout?.destroy();
  const { code, output } = await finished;
  expect(output).not.toContain("EPIPE");
  expect(code).toBe(0);
});

describe("a query", () => {
  test.each([
    [`COPY requests TO '${folder.path}/x.csv'`, /must be a SELECT|no files, no network/],
    [`COPY requests TO '${folder.path}/view/x.csv'`, "must be a SELECT"],
    [`EXPLAIN ANALYZE COPY (SELECT 1) TO '${folder.path}/view/x.csv'`, "must be a SELECT"],
    [`ATTACH '${folder.path}/view/x.db'`, "must be a SELECT"],
    ["CREATE TABLE x AS SELECT 1", "must be a SELECT"],
    ["SET enable_external_access = true", "must be a SELECT"],
    ["SELECT 1; SELECT 2", "it has 2 statements"],
    [" ", "the query is empty"],
    ["SELECT * FROM read_text('/etc/hostname')", "no files, no network"],
    ["SELECT * FROM 'https://example.com/x.parquet'", "no files, no network"],
    ["SELECT * FROM nothing", "Table with name nothing does not exist"],
  ])("refuses %s", async (sql, message) => {
    const view = join(folder.path, "view");
    mkdirSync(view, { recursive: true });
    const run = withDuckDB(folder.path, async (connection) => {
      await openView(connection, [], { since: 0, until: 1, folder: view });
      await runQuery(connection, { sql, format: "json", write: async () => {} });
    });
    await expect(run).rejects.toThrow(message);
    expect(readdirSync(view)).toEqual([]);
  });

  test("on an empty log has all columns and no row", async () => {
    expect(await queryLogs(state, "FROM requests")).toEqual([]);
    const described = await queryLogs(state, "DESCRIBE requests");
    const types = described.map(({ column_name, column_type }) => [column_name, column_type]);
    const expected = COLUMNS.map(({ name, type }) => [
      name,
      type === "TIMESTAMPTZ" ? "TIMESTAMP WITH TIME ZONE" : type,
    ]);
    expect(types).toEqual(expected);
  });
});
