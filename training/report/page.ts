import { Html, html } from "./html.ts";
import { STYLE } from "./style.ts";

/** A whole HTML file. Its policy forbids what it does without: scripts and requests. */
export function page(title: string, body: Html): string {
  const { text } = html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Facet model card</title>
<style>${new Html(STYLE)}</style>
</head>
<body>
${body}
</body>
</html>
`;
  return text;
}
