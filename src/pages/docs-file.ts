import type { AppContext } from "../http/context.ts";
import { handleNotFound } from "../middleware/error-handler.ts";

/** Serves a file of the docs page from the assets, through the Worker: so it is logged and rate limited. */
export async function serveDocsFile(c: AppContext): Promise<Response> {
  const file = await c.env.ASSETS.fetch(c.req.raw);
  if (file.status === 404) return handleNotFound(c);
  return new Response(file.body, file);
}
