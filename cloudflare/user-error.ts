/**
 * A fault of the input or of the environment, which the user can correct. It is printed as one line, without
 * a stack, and the process ends with its exit code.
 */
export class UserError extends Error {
  readonly exitCode: number;

  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
  }
}

/** The error as a {@link UserError}; null for a bug, whose stack is needed. */
export function toUserError(error: unknown): UserError | null {
  if (error instanceof UserError) return error;
  if (!(error instanceof Error) || !("code" in error)) return null;
  // Refusals of the operating system, such as a full disk or a missing permission, and options that Node's
  // parseArgs does not accept.
  const isSystemError = "syscall" in error;
  const isOptionError = String(error.code).startsWith("ERR_PARSE_ARGS");
  return isSystemError || isOptionError ? new UserError(error.message, { cause: error }) : null;
}
