import { DOCS_ROUTE, OPENAPI_ROUTE } from "../domain/routes.ts";
import type { AppContext } from "../http/context.ts";
import { CONTENT_SECURITY_POLICY } from "./security-policy.ts";

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Facet API</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="${DOCS_ROUTE}/swagger-ui.css">
    <link rel="stylesheet" href="${DOCS_ROUTE}/page.css">
  </head>
  <body>
    <div id="api"><noscript>This page needs JavaScript. The OpenAPI document is at <a href="${OPENAPI_ROUTE}">${OPENAPI_ROUTE}</a>.</noscript></div>
    <script src="${DOCS_ROUTE}/swagger-ui-bundle.js"></script>
    <script src="${DOCS_ROUTE}/accessible.js"></script>
    <script src="${DOCS_ROUTE}/code-samples.js"></script>
    <script src="${DOCS_ROUTE}/page.js"></script>
  </body>
</html>
`;

/** Serves the API documentation: Swagger UI for the OpenAPI document. */
export function serveDocsPage(c: AppContext): Response {
  return c.html(PAGE, 200, { "content-security-policy": CONTENT_SECURITY_POLICY });
}
