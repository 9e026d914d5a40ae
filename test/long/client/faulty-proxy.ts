import type { IncomingMessage, ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { withHttpServer } from "../../support/http-server.ts";

/** What happens to a request: it never reaches the server, or the answer is lost, or all is well. */
export type Fault =
  | { readonly status: number; readonly retryAfter: string }
  | "cut before"
  | "cut after"
  | "cut within"
  | "none";

/**
 * Runs a proxy before a server. The first request has the first fault, and so on; later ones have none.
 * @param use gets the address of the proxy and the times at which requests came (`Date.now()`)
 */
export function withFaultyProxy<Result>(
  target: string,
  faults: readonly Fault[],
  use: (url: string, arrivals: readonly number[]) => Promise<Result>,
): Promise<Result> {
  const arrivals: number[] = [];
  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const fault = faults[arrivals.push(Date.now()) - 1] ?? "none";
    const body = await buffer(request);
    if (fault === "cut before") return request.socket.destroy();
    if (typeof fault === "object")
      return response.writeHead(fault.status, { "retry-after": fault.retryAfter }).end("not now");
    const { method = "GET", url = "/", headers } = request;
    const forwarded = await fetch(target + url, {
      method,
      headers: {
        "content-type": headers["content-type"] ?? "text/plain",
        authorization: headers.authorization ?? "",
      },
      ...(body.length > 0 && { body }),
    });
    const text = await forwarded.text();
    if (fault === "cut after") return request.socket.destroy();
    const type = forwarded.headers.get("content-type") ?? "";
    response.writeHead(forwarded.status, { "content-type": type, "content-length": Buffer.byteLength(text) });
    if (fault !== "cut within") return response.end(text);
    return response.write(text.slice(0, text.length / 2), () => request.socket.destroy());
  };
  return withHttpServer(
    (request, response) => void answer(request, response).catch(() => response.destroy()),
    (url) => use(url, arrivals),
  );
}
