/** Wrappers around real bindings. Chosen calls fail, wait or are counted; the others reach the binding. */

export function overrideMethods<Binding extends object>(
  binding: Binding,
  overrides: Partial<Binding>,
): Binding {
  return new Proxy(binding, {
    get(target, property) {
      const override = Reflect.get(overrides, property);
      if (override !== undefined) return override;
      const value = Reflect.get(target, property);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** Wraps a database. Each statement first awaits `beforeStatement(sql)`, which may throw or delay. */
export function createFaultyDatabase(
  db: D1Database,
  beforeStatement: (sql: string) => Promise<void>,
): D1Database {
  const wrapStatement = (statement: D1PreparedStatement, sql: string): D1PreparedStatement =>
    overrideMethods(statement, {
      bind: (...values: unknown[]) => wrapStatement(statement.bind(...values), sql),
      run: async <T>() => {
        await beforeStatement(sql);
        return statement.run<T>();
      },
      all: async <T>() => {
        await beforeStatement(sql);
        return statement.all<T>();
      },
      first: (async (column?: string) => {
        await beforeStatement(sql);
        return column === undefined ? statement.first() : statement.first(column);
      }) as D1PreparedStatement["first"],
      raw: (async (options?: { columnNames?: false }) => {
        await beforeStatement(sql);
        return statement.raw(options);
      }) as D1PreparedStatement["raw"],
    });
  return overrideMethods(db, {
    prepare: (sql: string) => wrapStatement(db.prepare(sql), sql),
    batch: async () => {
      await beforeStatement("batch");
      throw new Error("wrapped statements cannot run as a batch");
    },
  });
}

export const createConnectionLostError = () => new Error("D1_ERROR: Network connection lost.");
