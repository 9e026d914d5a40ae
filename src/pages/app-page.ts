import type { AppPage } from "../domain/routes.ts";
import type { AppContext } from "../http/context.ts";
import { CONTENT_SECURITY_POLICY } from "./security-policy.ts";

/**
 * Serves a page of the app from the assets, through the Worker: so it is logged and rate limited. The browser
 * asks for it again each time, because its files change with the version of the Worker.
 */
export function serveAppPage(path: AppPage) {
  return async (c: AppContext): Promise<Response> => {
    const { status, body } = await c.env.ASSETS.fetch(new URL(path, c.req.url));
    return new Response(body, {
      status,
      headers: {
        "content-type": "text/html; charset=utf-8",
        "cache-control": "no-cache",
        "content-security-policy": CONTENT_SECURITY_POLICY,
      },
    });
  };
}
