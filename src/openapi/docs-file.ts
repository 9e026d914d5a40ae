import type { AppContext } from "../http/context.ts";
import { answerNotFound } from "../middleware/error-handler.ts";

/**
 * A file that the documentation's page loads, as the assets have it, with its type and its ETag. It goes
 * through the Worker so that it is counted and logged as every request is.
 */
export async function answerDocsFile(c: AppContext): Promise<Response> {
  const file = await c.env.ASSETS.fetch(c.req.raw);
  if (file.status === 404) return answerNotFound(c);
  // More than a megabyte, and the same each time.
  c.var.requestContext.logsResponseBody = false;
  return new Response(file.body, file);
}
