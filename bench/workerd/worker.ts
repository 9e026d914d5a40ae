/**
 * Facet with other databases, for measurements. The variables say which:
 *
 * - `LOG` = "at once": the log database answers at once and stores nothing
 * - `REGISTRY_DELAY_MS`: each answer of the registry comes this much later; "never" is a silent registry
 * - `COUNT_ROWS` = "on": the header x-rows-read has the rows that the registry read since the last response
 */
import worker from "../../src/index.ts";

interface Settings {
  readonly LOG?: string;
  readonly REGISTRY_DELAY_MS?: string;
  readonly COUNT_ROWS?: string;
}

let replaced: Env | undefined;
let rowsRead = 0;

export default {
  async fetch(request, env, context) {
    replaced ??= replaceDatabases(env);
    const response = await worker.fetch(request, replaced, context);
    return env.COUNT_ROWS === "on" ? addRowsRead(response) : response;
  },
} satisfies ExportedHandler<Env & Settings>;

function replaceDatabases(env: Env & Settings): Env {
  const { LOG, REGISTRY_DELAY_MS: delay, COUNT_ROWS } = env;
  return {
    ...env,
    ...(LOG === "at once" && { LOG_DB: answerAtOnce(env.LOG_DB) }),
    ...(delay !== undefined && {
      DB: intercept(env.DB, delayAnswer(delay === "never" ? null : Number(delay))),
    }),
    ...(COUNT_ROWS === "on" && { DB: intercept(env.DB, countRowsRead) }),
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

/** Executes a call of a database, and can do something before and after it. */
type Interceptor = <Answer>(execute: () => Promise<Answer>) => Promise<Answer>;

/** Lets each answer come later, or never if the delay is null. */
function delayAnswer(delayMs: number | null): Interceptor {
  return async (execute) => {
    await (delayMs === null ? new Promise<never>(() => {}) : scheduler.wait(delayMs));
    return execute();
  };
}

/** Counts the rows of the answers that have this information: not those of `raw` and `first`. */
async function countRowsRead<Answer>(execute: () => Promise<Answer>): Promise<Answer> {
  const answer = await execute();
  for (const result of Array.isArray(answer) ? answer : [answer]) {
    const { meta } = (result ?? {}) as { meta?: Partial<D1Meta> };
    rowsRead += meta?.rows_read ?? 0;
  }
  return answer;
}

function addRowsRead(response: Response): Response {
  const copy = new Response(response.body, response);
  copy.headers.set("x-rows-read", String(rowsRead));
  rowsRead = 0;
  return copy;
}

/** A database all of whose calls go through the interceptor. */
function intercept<Database extends D1Database | D1DatabaseSession>(
  db: Database,
  interceptor: Interceptor,
): Database {
  const originals = new WeakMap<D1PreparedStatement, D1PreparedStatement>();
  const interceptStatement = (statement: D1PreparedStatement): D1PreparedStatement => {
    const interceptable = replaceMethods(statement, {
      bind: (...values) => interceptStatement(statement.bind(...values)),
      run: () => interceptor(() => statement.run()),
      all: () => interceptor(() => statement.all()),
      first: (...column: [string?]) => interceptor(() => statement.first(...(column as [string]))),
      raw: ((...options: [never?]) => interceptor(() => statement.raw(...(options as [never])))) as never,
    });
    originals.set(interceptable, statement);
    return interceptable;
  };
  return replaceMethods(db, {
    prepare: (sql: string) => interceptStatement(db.prepare(sql)),
    batch: (statements: D1PreparedStatement[]) =>
      interceptor(() => db.batch(statements.map((statement) => originals.get(statement) ?? statement))),
    ...("withSession" in db && {
      withSession: (constraint?: string) => intercept(db.withSession(constraint), interceptor),
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
