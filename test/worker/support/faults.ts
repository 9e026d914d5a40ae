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

/** The constraint of a session, or null for a statement outside of a session. */
type Session = D1SessionConstraint | null;

/**
 * Wraps a database. Each statement first awaits `beforeStatement(sql, session)`, which may throw or delay. The
 * statements of a batch are joined with "; ".
 */
export function createFaultyDatabase(
  db: D1Database,
  beforeStatement: (sql: string, session: Session) => Promise<void>,
): D1Database {
  return overrideMethods(db, {
    ...wrapQueries(db, (sql) => beforeStatement(sql, null)),
    withSession: (constraint) => {
      const session = db.withSession(constraint);
      const queries = wrapQueries(session, (sql) => beforeStatement(sql, constraint as Session));
      return overrideMethods(session, queries);
    },
  });
}

function wrapQueries(
  db: Pick<D1Database, "prepare" | "batch">,
  beforeStatement: (sql: string) => Promise<void>,
): Pick<D1Database, "prepare" | "batch"> {
  const wrapped = new WeakMap<D1PreparedStatement, { statement: D1PreparedStatement; sql: string }>();
  const wrapStatement = (statement: D1PreparedStatement, sql: string): D1PreparedStatement => {
    const wrapper = createFaultyStatement(statement, sql);
    wrapped.set(wrapper, { statement, sql });
    return wrapper;
  };
  const createFaultyStatement = (statement: D1PreparedStatement, sql: string): D1PreparedStatement =>
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
  return {
    prepare: (sql) => wrapStatement(db.prepare(sql), sql),
    batch: async (statements) => {
      const parts = statements.map((statement) => wrapped.get(statement)!);
      await beforeStatement(parts.map(({ sql }) => sql).join("; "));
      return db.batch(parts.map(({ statement }) => statement));
    },
  };
}

export const createConnectionLostError = () => new Error("D1_ERROR: Network connection lost.");
