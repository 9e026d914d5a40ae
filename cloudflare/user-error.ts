/** A fault of the input or the surroundings, told in one line; the run ends with the given exit code. */
export class UserError extends Error {
  readonly exitCode: number;

  constructor(message: string, options: { exitCode?: number; cause?: unknown } = {}) {
    super(message, { cause: options.cause });
    this.exitCode = options.exitCode ?? 1;
  }
}

/** A fault as people are told of it, or null for a bug, which deserves its stack. */
export function toUserError(error: unknown): UserError | null {
  if (error instanceof UserError) return error;
  if (!(error instanceof Error) || !("code" in error)) return null;
  // What the operating system refuses (a full disk, a missing permission), and words parseArgs refuses.
  const ofSystem = "syscall" in error;
  const ofWords = String(error.code).startsWith("ERR_PARSE_ARGS");
  return ofSystem || ofWords ? new UserError(error.message, { cause: error }) : null;
}
