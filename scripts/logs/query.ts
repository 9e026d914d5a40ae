/** Answers a question in SQL from the copy of the log. */
import { type DuckDBConnection, StatementType } from "@duckdb/node-api";
import { UserError } from "../../cloudflare/user-error.ts";
import { firstIdAt } from "../../src/domain/request-id.ts";
import { COLUMNS } from "./columns.ts";
import { quote, quoteList } from "./duckdb.ts";
import type { DayFile } from "./log-copy.ts";
import { OUTPUTS, type OutputFormat, type WriteText } from "./output.ts";

export interface QueryOptions {
  /** Only requests from this time on and before the other one, milliseconds since 1970. */
  readonly since: number;
  readonly until: number;
  readonly sql: string;
  readonly format: OutputFormat;
  readonly write: WriteText;
}

/**
 * Creates the view `requests` on files of the copy. From then on the connection can read those files and no others,
 * and neither network nor settings.
 */
export async function openView(
  connection: DuckDBConnection,
  files: readonly DayFile[],
  {
    since,
    until,
    folder,
  }: Pick<QueryOptions, "since" | "until"> & { /** Folder of the files. */ readonly folder: string },
): Promise<void> {
  await connection.run(
    `CREATE VIEW requests AS ${files.length === 0 ? EMPTY : selectRows(files, since, until)}`,
  );
  await connection.run(`SET allowed_directories = [${quote(folder)}]`);
  await connection.run("SET enable_external_access = false");
  await connection.run("SET lock_configuration = true");
}

const EMPTY = `SELECT * FROM (SELECT ${COLUMNS.map(({ name, type }) => `NULL::${type} AS "${name}"`).join(", ")}) WHERE false`;

function selectRows(files: readonly DayFile[], since: number, until: number): string {
  const columns = COLUMNS.map(({ name }) => `"${name}"`).join(", ");
  const paths = quoteList(files.map(({ path }) => path));
  return `SELECT ${columns} FROM read_parquet(${paths}, hive_partitioning = true, hive_types = {'day': DATE})
    WHERE id >= ${quote(firstIdAt(since))} AND id < ${quote(firstIdAt(until))}`;
}

/**
 * Runs one SELECT on the view and writes its rows.
 * @throws UserError if the text is not one SELECT, or if DuckDB refuses it
 */
export async function runQuery(
  connection: DuckDBConnection,
  { sql, format, write }: Pick<QueryOptions, "sql" | "format" | "write">,
): Promise<void> {
  if (sql.trim() === "") throw new UserError("the query is empty; it must be one SELECT");
  try {
    const statements = await connection.extractStatements(sql);
    if (statements.count !== 1)
      throw new UserError(`the query must be one SELECT; it has ${statements.count} statements`);
    const statement = await statements.prepare(0);
    if (statement.statementType !== StatementType.SELECT)
      throw new UserError(
        "the query must be a SELECT: it can only read (npm run logs -- export writes files)",
      );
    await OUTPUTS[format](await statement.stream(), write);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(describeSqlError(error), { cause: error });
  }
}

/** DuckDB's errors have no class of their own. */
function describeSqlError(error: unknown): string {
  const message = (error instanceof Error ? error.message : String(error))
    .replace(/^Failed to extract statements: /, "")
    .trim();
  if (message.startsWith("Permission Error"))
    return `${message}\n\nA query reads the view requests and nothing else: no files, no network.`;
  // In DuckDB, AND and = bind stronger than ->>.
  if (/->/.test(message) && /^(Binder|Conversion) Error/.test(message))
    return `${message}\n\nWrite -> and ->> in parentheses: (request_body->>'cut') = 'Ideal'`;
  if (!/^(Binder|Catalog|Parser) Error/.test(message)) return message;
  const names = COLUMNS.map(({ name }) => name).join(", ");
  return `${message}\n\nColumns of the view requests: ${names}\n(npm run logs -- schema explains them)`;
}
