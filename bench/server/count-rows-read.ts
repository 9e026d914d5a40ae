import type { D1Database, D1PreparedStatement } from "@cloudflare/workers-types";

/** A part of D1Database that counts the rows which its statements read. */
export interface CountingDatabase {
  readonly db: Pick<D1Database, "prepare" | "batch">;
  /** Returns the number of rows read since the last call. */
  takeCount(): number;
}

export function createCountingDatabase(database: D1Database): CountingDatabase {
  let rowsRead = 0;
  const originals = new WeakMap<object, D1PreparedStatement>();
  const wrapStatement = (original: D1PreparedStatement): D1PreparedStatement => {
    const wrapper = {
      bind: (...values: unknown[]) => wrapStatement(original.bind(...values)),
      all: async () => {
        const result = await original.all();
        rowsRead += result.meta.rows_read;
        return result;
      },
      raw: async () => {
        const { results } = (await wrapper.all()) as { results: object[] };
        return results.map(Object.values);
      },
    } as unknown as D1PreparedStatement;
    originals.set(wrapper, original);
    return wrapper;
  };
  const db = {
    prepare: (sql: string) => wrapStatement(database.prepare(sql)),
    batch: async <T>(statements: D1PreparedStatement[]) => {
      const results = await database.batch<T>(
        statements.map((statement) => originals.get(statement) ?? statement),
      );
      for (const { meta } of results) rowsRead += meta.rows_read;
      return results;
    },
  };
  const takeCount = () => {
    const count = rowsRead;
    rowsRead = 0;
    return count;
  };
  return { db, takeCount };
}
