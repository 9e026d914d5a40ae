import ora, { type Options, type Ora } from "ora";

/**
 * A line of progress on standard error. A terminal without a size, as `docker run -t` and `script` may give,
 * gets plain lines: ora divides by the number of columns, and never ends if that is 0.
 */
export function createSpinner(options: Options = {}): Ora {
  const { isTTY, columns } = process.stderr;
  return ora({ ...options, ...(isTTY && columns === 0 ? { isEnabled: false } : {}) });
}
