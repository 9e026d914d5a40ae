import { fromHono } from "chanfana";
import { Hono } from "hono";
import { APP_PAGES, DOCS_ROUTE, OPENAPI_ROUTE } from "./domain/routes.ts";
import { ENDPOINTS } from "./endpoints/index.ts";
import type { AppEnv } from "./http/context.ts";
import { StaticRouter } from "./http/static-router.ts";
import { bodyLimit } from "./middleware/body-limit.ts";
import { conditionalRequests } from "./middleware/conditional-requests.ts";
import { handleError, handleNotFound, handleOtherMethods } from "./middleware/error-handler.ts";
import { identify } from "./middleware/identify.ts";
import { preflight } from "./middleware/preflight.ts";
import { requestLog } from "./middleware/request-log.ts";
import { serveDocument } from "./openapi/document.ts";
import { serveAppPage } from "./pages/app-page.ts";
import { serveDocsFile } from "./pages/docs-file.ts";
import { serveDocsPage } from "./pages/docs-page.ts";

/** Builds the API: the middleware in its order, the endpoints, the documentation, and the error handlers. */
export function createApp(): Hono<AppEnv> {
  const hono = new Hono<AppEnv>({ strict: false, router: new StaticRouter() });
  hono.use(requestLog);
  hono.options("*", preflight);
  hono.use(identify, bodyLimit);

  const app = fromHono(hono, { docs_url: null, redoc_url: null, openapi_url: null });
  // Grouped by path: the 405 of a path must precede a later pattern that also matches it, such as /:id.
  for (const [path, endpoints] of Map.groupBy(ENDPOINTS, (Endpoint) => Endpoint.path)) {
    for (const Endpoint of endpoints) {
      if (Endpoint.cacheControl !== null) hono.get(path, conditionalRequests);
      app[Endpoint.method](path, Endpoint);
    }
    hono.all(path, handleOtherMethods(endpoints.map(({ method }) => method.toUpperCase())));
  }
  hono.get(OPENAPI_ROUTE, conditionalRequests, serveDocument).all(handleOtherMethods(["GET"]));
  for (const path of APP_PAGES)
    hono.get(path, conditionalRequests, serveAppPage(path)).all(handleOtherMethods(["GET"]));
  hono.get(DOCS_ROUTE, conditionalRequests, serveDocsPage).all(handleOtherMethods(["GET"]));
  hono.get(`${DOCS_ROUTE}/:file`, serveDocsFile).all(handleOtherMethods(["GET"]));
  hono.notFound(handleNotFound);
  hono.onError(handleError);
  return hono;
}
