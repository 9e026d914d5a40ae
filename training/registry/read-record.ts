import { getTableColumns } from "drizzle-orm";
import { toSqlLiteral } from "../../cloudflare/d1-sql.ts";
import { query, type Rows, type Target } from "../../cloudflare/wrangler.ts";
import { LIST_SOURCES } from "../../src/db/dataset-sources/schema.ts";
import { models } from "../../src/db/registry/schema.ts";
import { MAX_LISTED_SOURCES, ModelRecord } from "../../src/domain/models/model-record.ts";
import type { ModelReference } from "../../src/domain/models/model-reference.ts";

const RECORD_FIELDS = Object.keys(ModelRecord.shape);

/**
 * Reads the record of a version that is in the registry: what `GET /v1/models/{name}/versions/{version}` answers,
 * without the path of the report.
 */
export async function readRecord(target: Target, { name, version }: ModelReference): Promise<ModelRecord> {
  const parameters = [toSqlLiteral(name), String(version), String(MAX_LISTED_SOURCES)];
  const listSources = LIST_SOURCES.replaceAll(/\?([123])/g, (_, position) => parameters[position - 1]!);
  const [[row] = [], sources = []] = await query(target, [
    `SELECT models.*, datasets.id AS dataset_id, datasets.rows AS dataset_rows
     FROM models JOIN datasets ON datasets.seq = models.dataset
     WHERE name = ${parameters[0]} AND version = ${version}`,
    listSources,
  ]);
  const values: Record<string, unknown> = {
    ...parseColumns(row ?? {}),
    dataset: row?.dataset_id,
    datasetRows: row?.dataset_rows,
    sources: sources.map(({ name, rows, rejected, readAt }) => ({
      name,
      rows,
      rejected: JSON.parse(String(rejected)),
      readAt,
    })),
  };
  // Not parsed: the record of an older version may lack what newer ones have.
  return Object.fromEntries(RECORD_FIELDS.map((field) => [field, values[field]])) as ModelRecord;
}

/** Converts a row of the table `models` as drizzle does in the Worker: JSON columns become values. */
function parseColumns(row: Rows[number]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(getTableColumns(models)).map(([field, column]) => {
      const value = row[column.name] ?? null;
      return [field, value === null ? null : column.mapFromDriverValue(value)];
    }),
  );
}
