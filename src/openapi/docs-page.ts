import type { AppContext } from "../http/context.ts";

/** Everything comes from this server: no script inline, none from elsewhere. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join("; ");

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Facet API</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="/docs/swagger-ui.css">
    <link rel="stylesheet" href="/docs/page.css">
  </head>
  <body>
    <div id="api"><noscript>The document behind this page: <a href="/openapi.json">/openapi.json</a></noscript></div>
    <script src="/docs/swagger-ui-bundle.js"></script>
    <script src="/docs/page.js"></script>
  </body>
</html>
`;

/** The API's documentation, to read and to try: Swagger UI over /openapi.json. */
export function answerDocs(c: AppContext): Response {
  c.var.requestContext.logsResponseBody = false;
  return c.html(PAGE, 200, { "content-security-policy": POLICY });
}
