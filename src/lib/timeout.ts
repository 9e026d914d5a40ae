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
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const timer = setTimeout(() => reject(new TimeoutError(ms)), ms);
  work.then(resolve, reject);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}

/** Waits until a promise resolves or `ms` milliseconds have passed, whichever comes first. */
export async function waitAtMost(ms: number, event: Promise<void>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  event.then(resolve, resolve);
  await promise;
  clearTimeout(timer);
}
