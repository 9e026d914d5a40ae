import { type Agent, type IncomingHttpHeaders, request } from "node:http";

const RESPONSE_TIMEOUT_MS = 30_000;

export interface HttpRequest {
  readonly method: string;
  readonly path: string;
  /** JSON text. */
  readonly body?: string;
  /** An API key. */
  readonly key?: string;
  readonly userAgent?: string;
  /** Longest time without a byte of the response. Default: 30 s. */
  readonly timeoutMs?: number;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
  /** From the start of the request to the end of the response. */
  readonly durationMs: number;
}

/** Sends a request over the connections of an agent. `fetch` cannot limit its connections. */
export function sendRequest(
  agent: Agent,
  server: string,
  { method, path, body, key, userAgent, timeoutMs = RESPONSE_TIMEOUT_MS }: HttpRequest,
): Promise<HttpResponse> {
  const headers = {
    ...(body !== undefined && { "content-type": "application/json" }),
    ...(userAgent !== undefined && { "user-agent": userAgent }),
    ...(key !== undefined && { authorization: `Bearer ${key}` }),
  };
  const startedAt = performance.now();
  return new Promise((resolve, reject) => {
    const options = { method, headers, agent, timeout: timeoutMs };
    const outgoing = request(`${server}${path}`, options, (response) => {
      let text = "";
      response.setEncoding("utf8").on("data", (chunk) => {
        text += chunk;
      });
      response.on("error", reject);
      response.on("end", () => {
        const { statusCode = 0, headers } = response;
        resolve({ status: statusCode, headers, text, durationMs: performance.now() - startedAt });
      });
    });
    outgoing.on("error", reject);
    outgoing.on("timeout", () => outgoing.destroy(new Error(`no response within ${timeoutMs} ms`)));
    outgoing.end(body);
  });
}
