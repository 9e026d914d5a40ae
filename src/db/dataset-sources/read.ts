import { type DatasetSource, MAX_LISTED_SOURCES } from "../../domain/models/model-record.ts";
import type { Queryable } from "../sessions.ts";
import { LIST_SOURCES } from "./schema.ts";

/** Lists the sources of a version's dataset, oldest first; empty if there is no such version. */
export async function listSources(d1: Queryable, name: string, version: number): Promise<DatasetSource[]> {
  const { results } = await d1
    .prepare(LIST_SOURCES)
    .bind(name, version, MAX_LISTED_SOURCES)
    .all<{ name: string; rows: number; rejected: string; readAt: string }>();
  return results.map(({ name, rows, rejected, readAt }) => ({
    name,
    rows,
    rejected: JSON.parse(rejected),
    readAt,
  }));
}
