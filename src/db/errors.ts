/** Joins the messages of an error and its causes. Drizzle and D1 wrap the error of SQLite as a cause. */
export function describeError(error: unknown): string {
  const parts: string[] = [];
  let current: unknown = error;
  while (current instanceof Error && parts.length < 5) {
    parts.push(current.message);
    current = current.cause;
  }
  if (parts.length === 0) parts.push(String(error));
  return parts.join(": ");
}

/** Returns the name of a table that is missing because migrations were not applied; null for other errors. */
export function findMissingTable(error: unknown): string | null {
  return /no such table: (?:main\.)?(\w+)/.exec(describeError(error))?.[1] ?? null;
}

/** Whether the error comes from D1 and not from the code around it. */
export function isDatabaseError(error: unknown): boolean {
  return /D1_|D1 DB|Network connection lost|object to be reset|code was updated/.test(describeError(error));
}

/** Whether D1's documentation recommends to repeat an idempotent statement after this error. */
export function isRetryable(error: unknown): boolean {
  return /Network connection lost|object to be reset|code was updated/.test(describeError(error));
}

/** Whether the row itself caused the error. The same row will be rejected again. */
export function isRowRejected(error: unknown): boolean {
  return (
    error instanceof SyntaxError ||
    /SQLITE_CONSTRAINT|SQLITE_TOOBIG|too big|malformed JSON/.test(describeError(error))
  );
}
