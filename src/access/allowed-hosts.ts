import type { AppContext } from "../http/context.ts";
import { MisdirectedRequest } from "../http/errors.ts";
import { truncate } from "../lib/truncate.ts";

/**
 * Rejects a request to a host name that is not in `ALLOWED_HOSTS`. A page of another site can let its own name
 * point at this machine. The browser then lets the page read what a local server answers, but it still sends
 * that name.
 * @throws MisdirectedRequest
 */
export function rejectUnknownHost(c: AppContext): void {
  const setting: unknown = c.env.ALLOWED_HOSTS;
  if (typeof setting !== "string" || setting === "") return;
  const { hostname } = new URL(c.req.url);
  const hosts = setting.split(",").map((host) => host.trim());
  if (!hosts.includes(hostname))
    throw new MisdirectedRequest(
      `This server does not answer at ${truncate(hostname)}, but at ${hosts.join(", ")}. ALLOWED_HOSTS has the names.`,
    );
}
