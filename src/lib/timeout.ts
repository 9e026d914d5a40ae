/** Work did not end in the time that its caller gave it. */
export class TimeoutError extends Error {
  constructor(ms: number) {
    super(`no answer within ${ms} ms`);
  }
}

/**
 * Waits for work. A timeout does not stop the work.
 * @throws TimeoutError when the work takes longer than `ms` milliseconds.
 */
export async function withTimeout<T>(ms: number, work: Promise<T>): Promise<T> {
  const timeout = Promise.withResolvers<never>();
  const timer = setTimeout(() => timeout.reject(new TimeoutError(ms)), ms);
  try {
    return await Promise.race([work, timeout.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until a promise resolves or `ms` milliseconds have passed, whichever comes first. */
export async function waitAtMost(ms: number, event: Promise<void>): Promise<void> {
  const timeout = Promise.withResolvers<void>();
  const timer = setTimeout(timeout.resolve, ms);
  await Promise.race([event, timeout.promise]);
  clearTimeout(timer);
}
