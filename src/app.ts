import { fromHono } from "chanfana";
import { Hono } from "hono";
import { timing } from "hono/timing";
import { KEY_SCHEME } from "./endpoints/base.ts";
import { ENDPOINTS } from "./endpoints/index.ts";
import type { AppEnv } from "./http/context.ts";
import { bodyLimit } from "./middleware/body-limit.ts";
import { cors } from "./middleware/cors.ts";
import { answerNotFound, answerOtherMethods, handleError } from "./middleware/error-handler.ts";
import { rateLimit } from "./middleware/rate-limit.ts";
import { requestContext } from "./middleware/request-context.ts";
import { requestLog } from "./middleware/request-log.ts";
import { securityHeaders } from "./middleware/security-headers.ts";
import { answerDocsFile } from "./openapi/docs-file.ts";
import { answerDocs } from "./openapi/docs-page.ts";
import { DOCUMENT, KEY_SECURITY, serveDocument } from "./openapi/document.ts";

/** The API: what each request passes through, the endpoints, and how errors are answered. */
export function createApp(): Hono<AppEnv> {
  const hono = new Hono<AppEnv>({ strict: false });
  hono.use(
    requestContext,
    requestLog,
    timing({ totalDescription: "" }),
    securityHeaders,
    cors,
    rateLimit,
    bodyLimit,
  );

  const app = fromHono(hono, { schema: DOCUMENT, docs_url: null, redoc_url: null, openapi_url: null });
  app.registry.registerComponent("securitySchemes", KEY_SCHEME, KEY_SECURITY);
  // Path by path: what one does not have is refused before a later pattern takes it for a name.
  for (const [path, endpoints] of Map.groupBy(ENDPOINTS, (Endpoint) => Endpoint.path)) {
    for (const Endpoint of endpoints) app[Endpoint.method](path, Endpoint);
    hono.all(path, answerOtherMethods(endpoints.map(({ method }) => method.toUpperCase())));
  }
  hono.get("/openapi.json", serveDocument(app)).all(answerOtherMethods(["GET"]));
  hono.get("/docs", answerDocs).all(answerOtherMethods(["GET"]));
  hono.get("/docs/:file", answerDocsFile).all(answerOtherMethods(["GET"]));
  hono.notFound(answerNotFound);
  hono.onError(handleError);
  return hono;
}
