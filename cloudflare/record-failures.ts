/**
 * Loaded into wrangler's process with `--import`. wrangler does not print the status of every failed request, nor
 * why a connection was lost. undici, its HTTP client, reports both to Node's diagnostics channels. This writes the
 * requests that failed for a transient reason, and were not repeated with success, to FACET_FAILURES_FILE.
 */
import { subscribe } from "node:diagnostics_channel";
import { writeFileSync } from "node:fs";
import type { FailedRequest } from "./wrangler-output.ts";

interface UndiciRequest {
  readonly method: string;
  readonly path: string;
}

const file = process.env.FACET_FAILURES_FILE;
const failures = new Map<string, FailedRequest>();

subscribe("undici:request:headers", (message) => {
  const { request, response } = message as {
    request: UndiciRequest;
    response: { statusCode: number; headers: (Buffer | string)[] };
  };
  const { statusCode: status } = response;
  const isTransient = status === 429 || status >= 500;
  // Names and values take turns.
  const headers = response.headers.map(String);
  const name = headers.findIndex((text, i) => i % 2 === 0 && text.toLowerCase() === "retry-after");
  record(request, isTransient ? { status, ...(name >= 0 && { retryAfter: headers[name + 1] }) } : null);
});

subscribe("undici:request:error", (message) => {
  const { request, error } = message as { request: UndiciRequest; error: Error & { code?: string } };
  record(request, { error: error.message === "" ? (error.code ?? error.name) : error.message });
});

function record({ method, path }: UndiciRequest, failure: Omit<FailedRequest, "request"> | null): void {
  // The query of an upload's address is its signature.
  const pathname = path.split("?")[0]!;
  // Not wrangler's search for a newer version of itself.
  if (file === undefined || (!pathname.startsWith("/client/v4/") && method !== "PUT")) return;
  const request = `${method} ${pathname}`;
  if (failure === null && !failures.delete(request)) return;
  if (failure !== null) failures.set(request, { request, ...failure });
  // Synchronously: wrangler may end its process at once.
  writeFileSync(file, JSON.stringify([...failures.values()]));
}
