/** The style sheet of a model card, for light mode, dark mode and print. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --paper: #fcfbf9; --ink: #22252a; --muted: #6a6f77; --line: #e2dfd9; --faint: #ecebe7;
  --accent: #23697a; --second: #b0622f; --third: #6d5a96; --fourth: #7c7a2c;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #17191c; --ink: #e6e4df; --muted: #9a9ea5; --line: #33363b; --faint: #26292d;
    --accent: #76bccb; --second: #e0a075; --third: #b6a4dd; --fourth: #c3c06c;
  }
}
* { box-sizing: border-box; }
body {
  margin: 0 auto; padding: 3.5rem 1.5rem 4rem; max-width: 66rem;
  background: var(--paper); color: var(--ink);
  font: 16px/1.55 system-ui, -apple-system, "Segoe UI", "Noto Sans", sans-serif;
}
h1, h2, h3, p, dl, dd, figure { margin: 0; }
h1 { font-size: 2.1rem; line-height: 1.2; font-weight: 600; letter-spacing: -0.015em; overflow-wrap: anywhere; }
h1 .version { color: var(--muted); font-weight: 400; }
h2 { font-size: 1.25rem; font-weight: 600; margin: 3.25rem 0 0.5rem; padding-top: 1.25rem; border-top: 1px solid var(--line); }
h3 { font-size: 1rem; font-weight: 600; margin-bottom: 0.75rem; }
.kind { color: var(--muted); margin-bottom: 0.4rem; }
.lead { max-width: 44rem; margin-top: 0.9rem; font-size: 1.05rem; }
.note { color: var(--muted); max-width: 44rem; margin-bottom: 1.1rem; }
.verdict { margin-top: 1.5rem; padding: 0.8rem 1.1rem; border-left: 3px solid var(--muted); background: var(--faint); overflow-wrap: anywhere; }
.verdict.promoted { border-color: var(--accent); }
.verdict strong { font-weight: 600; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(12rem, 1fr)); gap: 1.5rem 2rem; margin-top: 2.25rem; }
.tiles dt { color: var(--muted); font-size: 0.9rem; }
.tiles .figure { font-size: 1.9rem; line-height: 1.25; font-weight: 600; letter-spacing: -0.01em; font-variant-numeric: tabular-nums; }
.tiles .means { font-size: 0.9rem; color: var(--muted); line-height: 1.4; }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(26rem, 100%), 1fr)); gap: 2.5rem 3rem; margin-top: 1.25rem; }
figure { min-width: 0; }
figure svg { display: block; width: 100%; max-width: 32rem; height: auto; color: var(--ink); }
figure svg text { white-space: pre; }
figure svg [aria-label$="tick label"], figure svg [aria-label$="axis label"] { fill: var(--muted); }
figure svg [aria-label$="grid"] { stroke: var(--line); stroke-opacity: 1; }
figcaption { color: var(--muted); font-size: 0.9rem; line-height: 1.45; margin-top: 0.6rem; max-width: 32rem; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; font-size: 0.95rem; }
th, td { text-align: right; padding: 0.45rem 0 0.45rem 1.25rem; border-bottom: 1px solid var(--line); white-space: nowrap; vertical-align: top; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
thead th { font-weight: 400; color: var(--muted); font-size: 0.85rem; vertical-align: bottom; }
tbody th { font-weight: 400; }
tbody tr.all > * { font-weight: 600; }
.text { min-width: 36rem; }
.text td, .text th { text-align: left; white-space: normal; overflow-wrap: anywhere; }
.text td.number, .text th.number { text-align: right; white-space: nowrap; }
.better { color: var(--accent); }
.worse { color: var(--second); }
.facts { display: grid; align-content: start; grid-template-columns: max-content minmax(0, 1fr); gap: 0.4rem 1.75rem; font-size: 0.95rem; }
.facts dt { color: var(--muted); }
.facts dd { overflow-wrap: anywhere; }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(24rem, 100%), 1fr)); gap: 1.75rem 3rem; }
code { font: 0.88em/1.5 ui-monospace, "SF Mono", Menlo, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
a { color: var(--accent); text-underline-offset: 0.15em; }
footer { margin-top: 3.25rem; padding-top: 1.25rem; border-top: 1px solid var(--line); color: var(--muted); font-size: 0.85rem; }
@media print {
  @page { margin: 16mm; }
  :root {
    color-scheme: light;
    --paper: #fff; --ink: #000; --muted: #555; --line: #ccc; --faint: #eee;
    --accent: #23697a; --second: #b0622f; --third: #6d5a96; --fourth: #7c7a2c;
  }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { padding: 0; max-width: none; font-size: 10.5pt; }
  h2 { margin-top: 2rem; break-after: avoid; }
  .figures { grid-template-columns: 1fr 1fr; gap: 1.5rem 2rem; }
  .tiles { grid-template-columns: repeat(4, 1fr); }
  .text { min-width: 0; }
  .wide { overflow: visible; }
  table { font-size: 8.5pt; }
  thead th { font-size: 7.5pt; white-space: normal; }
  th, td { padding-left: 0.7rem; }
  figure, table, .verdict, .tiles { break-inside: avoid; }
}
`;
