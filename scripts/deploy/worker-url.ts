import { UserError } from "../../cloudflare/user-error.ts";

/**
 * Reads the address of a Worker.
 * @param option name of the option or variable, for the error
 */
export function parseWorkerUrl(text: string, option: string): URL {
  const url = URL.parse("/", text);
  if (url?.protocol !== "https:" && url?.protocol !== "http:") {
    throw new UserError(
      `${option} must be the address of the Worker, such as https://facet.example.workers.dev`,
    );
  }
  return url;
}
