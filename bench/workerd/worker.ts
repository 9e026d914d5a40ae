/**
 * Facet with other databases, for measurements. The variables say which:
 *
 * - `LOG` = "at once": the log database answers at once and stores nothing
 * - `REGISTRY_DELAY_MS`: each answer of the registry comes this much later; "never" is a silent registry
 */
import worker from "../../src/index.ts";

interface Settings {
  readonly LOG?: string;
  readonly REGISTRY_DELAY_MS?: string;
}

let settled: Env | undefined;

export default {
  fetch: (request, env, context) => worker.fetch(request, (settled ??= replaceDatabases(env)), context),
} satisfies ExportedHandler<Env & Settings>;

function replaceDatabases(env: Env & Settings): Env {
  const { LOG, REGISTRY_DELAY_MS: delay } = env;
  return {
    ...env,
    ...(LOG === "at once" && { LOG_DB: answerAtOnce(env.LOG_DB) }),
    ...(delay !== undefined && { DB: delayAnswers(env.DB, delay === "never" ? null : Number(delay)) }),
  };
}

/** A database whose statements do nothing. */
function answerAtOnce(db: D1Database): D1Database {
  const result = { success: true, results: [], meta: { changes: 1 } };
  const statement: Partial<D1PreparedStatement> = {
    bind: () => statement as D1PreparedStatement,
    run: async () => result as never,
    all: async () => result as never,
    first: async () => null as never,
  };
  return replaceMethods(db, {
    prepare: () => statement as D1PreparedStatement,
    batch: async (statements) => statements.map(() => result as never),
  });
}

/** A database whose answers come later, or never if the delay is null. */
function delayAnswers<Database extends D1Database | D1DatabaseSession>(
  db: Database,
  delayMs: number | null,
): Database {
  const wait = () => (delayMs === null ? new Promise<never>(() => {}) : scheduler.wait(delayMs));
  const delayed = async <T>(answer: () => Promise<T>): Promise<T> => {
    await wait();
    return answer();
  };
  const originals = new WeakMap<D1PreparedStatement, D1PreparedStatement>();
  const delayStatement = (statement: D1PreparedStatement): D1PreparedStatement => {
    const replaced = replaceMethods(statement, {
      bind: (...values) => delayStatement(statement.bind(...values)),
      run: () => delayed(() => statement.run()),
      all: () => delayed(() => statement.all()),
      first: (...column: [string?]) => delayed(() => statement.first(...(column as [string]))),
      raw: ((...options: [never?]) => delayed(() => statement.raw(...(options as [never])))) as never,
    });
    originals.set(replaced, statement);
    return replaced;
  };
  return replaceMethods(db, {
    prepare: (sql: string) => delayStatement(db.prepare(sql)),
    batch: (statements: D1PreparedStatement[]) =>
      delayed(() => db.batch(statements.map((statement) => originals.get(statement) ?? statement))),
    ...("withSession" in db && {
      withSession: (constraint?: string) => delayAnswers(db.withSession(constraint), delayMs),
    }),
  } as Partial<Database>);
}

function replaceMethods<Target extends object>(target: Target, methods: Partial<Target>): Target {
  return new Proxy(target, {
    get(original, name) {
      const method: unknown = Reflect.get(methods, name);
      if (method !== undefined) return method;
      const value: unknown = Reflect.get(original, name, original);
      return typeof value === "function" ? value.bind(original) : value;
    },
  });
}
