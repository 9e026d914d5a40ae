/** An error's message and those of its causes: drizzle and D1 wrap what SQLite said. */
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

/** The table that a database lacks, its migrations not applied; null where that is not what failed. */
export function findMissingTable(error: unknown): string | null {
  return /no such table: (?:main\.)?(\w+)/.exec(describeError(error))?.[1] ?? null;
}

/** Whether D1 itself failed, rather than the code around it. */
export function isDatabaseError(error: unknown): boolean {
  return /D1_|D1 DB|Network connection lost|object to be reset|code was updated/.test(describeError(error));
}

/** Failures after which D1's documentation allows the same idempotent statement again. */
export function isRetryable(error: unknown): boolean {
  return /Network connection lost|object to be reset|code was updated/.test(describeError(error));
}

/** Whether it was the row that was at fault: the same row will be refused again. */
export function isRowRejected(error: unknown): boolean {
  return (
    error instanceof SyntaxError ||
    /SQLITE_CONSTRAINT|SQLITE_TOOBIG|too big|malformed JSON/.test(describeError(error))
  );
}
