import { fromHono } from "chanfana";
import { Hono } from "hono";
import { timing } from "hono/timing";
import { DOCS_ROUTE, OPENAPI_ROUTE } from "./domain/routes.ts";
import { KEY_SCHEME } from "./endpoints/base.ts";
import { ENDPOINTS } from "./endpoints/index.ts";
import type { AppEnv } from "./http/context.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { bodyLimit } from "./middleware/body-limit.ts";
import { cors } from "./middleware/cors.ts";
import { handleError, handleNotFound, handleOtherMethods } from "./middleware/error-handler.ts";
import { rateLimit } from "./middleware/rate-limit.ts";
import { requestContext } from "./middleware/request-context.ts";
import { requestLog } from "./middleware/request-log.ts";
import { securityHeaders } from "./middleware/security-headers.ts";
import { serveDocsFile } from "./openapi/docs-file.ts";
import { serveDocsPage } from "./openapi/docs-page.ts";
import { DOCUMENT, KEY_SECURITY, serveDocument } from "./openapi/document.ts";

/** Builds the API: the middleware in its order, the endpoints, the documentation, and the error handlers. */
export function createApp(): Hono<AppEnv> {
  const hono = new Hono<AppEnv>({ strict: false });
  hono.use(
    requestContext,
    requestLog,
    timing({ totalDescription: "" }),
    securityHeaders,
    cors,
    authenticate,
    rateLimit,
    bodyLimit,
  );

  const app = fromHono(hono, { schema: DOCUMENT, docs_url: null, redoc_url: null, openapi_url: null });
  app.registry.registerComponent("securitySchemes", KEY_SCHEME, KEY_SECURITY);
  // Grouped by path: the 405 of a path must precede a later pattern that also matches it, such as /:id.
  for (const [path, endpoints] of Map.groupBy(ENDPOINTS, (Endpoint) => Endpoint.path)) {
    for (const Endpoint of endpoints) app[Endpoint.method](path, Endpoint);
    hono.all(path, handleOtherMethods(endpoints.map(({ method }) => method.toUpperCase())));
  }
  hono.get(OPENAPI_ROUTE, serveDocument(app)).all(handleOtherMethods(["GET"]));
  hono.get(DOCS_ROUTE, serveDocsPage).all(handleOtherMethods(["GET"]));
  hono.get(`${DOCS_ROUTE}/:file`, serveDocsFile).all(handleOtherMethods(["GET"]));
  hono.notFound(handleNotFound);
  hono.onError(handleError);
  return hono;
}
