/** Wraps real bindings so that chosen calls fail, wait or are counted; all others reach the real thing. */
import { vi } from "vitest";

export function wrap<Binding extends object>(binding: Binding, overrides: Partial<Binding>): Binding {
  return new Proxy(binding, {
    get(target, property) {
      const own = Reflect.get(overrides, property);
      if (own !== undefined) return own;
      const value = Reflect.get(target, property);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}

/** A database whose statements fail as long as `fault` throws or waits; it sees the SQL. */
export function faultyDatabase(db: D1Database, fault: (sql: string) => Promise<void>): D1Database {
  const statement = (inner: D1PreparedStatement, sql: string): D1PreparedStatement =>
    wrap(inner, {
      bind: (...values: unknown[]) => statement(inner.bind(...values), sql),
      run: async <T>() => {
        await fault(sql);
        return inner.run<T>();
      },
      all: async <T>() => {
        await fault(sql);
        return inner.all<T>();
      },
      raw: (async (options?: { columnNames?: false }) => {
        await fault(sql);
        return inner.raw(options);
      }) as D1PreparedStatement["raw"],
    });
  return wrap(db, {
    prepare: (sql: string) => statement(db.prepare(sql), sql),
    batch: async () => {
      await fault("batch");
      throw new Error("a batch of wrapped statements cannot be run");
    },
  });
}

export const lost = () => new Error("D1_ERROR: Network connection lost.");

/** Lets waits and the clock run some times faster. */
export function hurry(times: number): void {
  const wait = scheduler.wait.bind(scheduler);
  const now = Date.now.bind(Date);
  const start = now();
  const later = setTimeout;
  vi.spyOn(scheduler, "wait").mockImplementation((ms, options) => wait(ms / times, options));
  vi.spyOn(globalThis, "setTimeout").mockImplementation(((work: () => void, ms = 0) =>
    later(work, ms / times)) as typeof setTimeout);
  vi.spyOn(Date, "now").mockImplementation(() => start + (now() - start) * times);
}
