/** Bindings of the log whose calls are counted, and which stop working at a chosen call. */
import { env } from "cloudflare:workers";
import { overrideMethods } from "./faults.ts";

interface CountedCalls {
  readonly bindings: Env;
  /** Statements, also those of a batch, and operations of the bucket. */
  countCalls(): number;
  /** The operations of the bucket, such as `put log-archive/...`. */
  readonly bucketCalls: readonly string[];
  /** How many bytes were read from the bucket. */
  countBytes(): number;
}

/**
 * Counts calls, and fails from the given call on, as if the run was stopped. That call itself fails before or
 * after it takes effect.
 */
export function createInterruptedEnv(failingCall: number, takesEffect = false): CountedCalls {
  let [calls, bytes] = [0, 0];
  const bucketCalls: string[] = [];
  const runCall = async <Result>(work: () => Promise<Result>, count = 1): Promise<Result> => {
    const first = calls + 1;
    calls += count;
    const isFailing = first <= failingCall && failingCall <= calls;
    if (first > failingCall || (isFailing && !takesEffect)) throw new Error("interrupted");
    const result = await work();
    if (isFailing) throw new Error("interrupted");
    return result;
  };
  const originals = new WeakMap<D1PreparedStatement, D1PreparedStatement>();
  const wrapStatement = (statement: D1PreparedStatement): D1PreparedStatement => {
    const wrapper = overrideMethods(statement, {
      bind: (...values: unknown[]) => wrapStatement(statement.bind(...values)),
      run: <T>() => runCall(() => statement.run<T>()),
      all: <T>() => runCall(() => statement.all<T>()),
      first: ((column?: string) =>
        runCall(() =>
          column === undefined ? statement.first() : statement.first(column),
        )) as D1PreparedStatement["first"],
      raw: ((options?: { columnNames?: false }) =>
        runCall(() => statement.raw(options))) as D1PreparedStatement["raw"],
    });
    originals.set(wrapper, statement);
    return wrapper;
  };
  const LOG_DB = overrideMethods(env.LOG_DB, {
    prepare: (sql: string) => wrapStatement(env.LOG_DB.prepare(sql)),
    batch: (statements) =>
      runCall(
        () => env.LOG_DB.batch(statements.map((statement) => originals.get(statement) ?? statement)),
        statements.length,
      ),
  });
  const callBucket = <Result>(name: string, work: () => Promise<Result>) => {
    bucketCalls.push(name);
    return runCall(work);
  };
  const MODELS = overrideMethods(env.MODELS, {
    head: (key) => callBucket(`head ${key}`, () => env.MODELS.head(key)),
    get: (async (key: string, options?: R2GetOptions) => {
      const object = await callBucket(`get ${key}`, () => env.MODELS.get(key, options as R2GetOptions));
      const range = options?.range as { length?: number } | undefined;
      if (object !== null && "body" in object) bytes += range?.length ?? object.size;
      return object;
    }) as R2Bucket["get"],
    put: ((...args: Parameters<R2Bucket["put"]>) =>
      callBucket(`put ${args[0]}`, () => env.MODELS.put(...args))) as R2Bucket["put"],
    list: (options) => callBucket(`list ${options?.prefix}`, () => env.MODELS.list(options)),
    delete: (keys) => callBucket(`delete ${keys}`, () => env.MODELS.delete(keys)),
  });
  return {
    bindings: { ...env, LOG_DB, MODELS },
    countCalls: () => calls,
    bucketCalls,
    countBytes: () => bytes,
  };
}

export const createCountingEnv = () => createInterruptedEnv(Number.POSITIVE_INFINITY);
