import { rm, writeFile } from "node:fs/promises";
import { UserError } from "../../cloudflare/user-error.ts";
import {
  GRADE_COLUMNS,
  type GradeColumn,
  type PricedStone,
  STONE_COLUMNS,
} from "../../src/domain/diamond.ts";
import { toStonesCsv } from "./to-csv.ts";

/** Rows of a row group, which programs read as one piece. With DuckDB's default, 43,000 stones would be one. */
const ROW_GROUP_SIZE = 16_384;

/**
 * Writes stones with their prices to a file: as Parquet if its name ends with `.parquet`, else as CSV. Both have
 * the same columns. In Parquet, grades are text and all other columns are float64.
 * @throws UserError with the path if it cannot be written
 */
export async function writeStones(file: string, stones: readonly PricedStone[]): Promise<void> {
  try {
    if (file.toLowerCase().endsWith(".parquet")) await writeParquet(file, stones);
    else await writeFile(file, toStonesCsv(stones));
  } catch (cause) {
    throw new UserError(`${file}: the file cannot be written: ${describeCause(cause)}`, { cause });
  }
}

async function writeParquet(file: string, stones: readonly PricedStone[]): Promise<void> {
  // DuckDB could also say why it cannot write, but it names its own functions in the text.
  await writeFile(file, "");
  // Only this needs DuckDB, which takes a tenth of a second to load.
  const { DuckDBInstance } = await import("@duckdb/node-api");
  const instance = await DuckDBInstance.create(":memory:");
  const connection = await instance.connect();
  try {
    const columns = [...STONE_COLUMNS, "price"] as const;
    const types = columns.map((column) => `"${column}" ${isGrade(column) ? "VARCHAR" : "DOUBLE"}`);
    await connection.run(`CREATE TABLE stones (${types.join(", ")})`);
    const appender = await connection.createAppender("stones");
    for (const stone of stones) {
      for (const column of columns) {
        if (isGrade(column)) appender.appendVarchar(stone[column]);
        else appender.appendDouble(stone[column]);
      }
      appender.endRow();
    }
    appender.closeSync();
    const options = `FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE ${ROW_GROUP_SIZE}`;
    await connection.run(`COPY stones TO '${file.replaceAll("'", "''")}' (${options})`);
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  } finally {
    connection.closeSync();
    instance.closeSync();
  }
}

function isGrade(column: string): column is GradeColumn {
  return (GRADE_COLUMNS as readonly string[]).includes(column);
}

function describeCause(cause: unknown): string {
  const code = cause instanceof Error && "code" in cause ? cause.code : null;
  if (code === "ENOENT") return "its folder does not exist";
  if (code === "EISDIR") return "it is a folder";
  if (code === "EACCES" || code === "EROFS") return "permission denied";
  if (code === "ENOSPC") return "the disk is full";
  return cause instanceof Error ? cause.message : String(cause);
}
