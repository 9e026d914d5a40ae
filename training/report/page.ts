import { type Html, html, raw } from "./html.ts";
import { STYLE } from "./style.ts";

/** Renders a complete HTML file. Its content security policy forbids scripts and requests. */
export function renderPage(title: string, body: Html): string {
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Facet model card</title>
<style>${raw(STYLE)}</style>
</head>
<body>
${body}
</body>
</html>
`.toString();
}
