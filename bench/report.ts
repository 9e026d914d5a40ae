/**
 * Writes the results of benchmarks into docs/performance.md, and draws docs/growth.svg.
 *
 *   npm run bench -- serve growth --json results.json
 *   node bench/report.ts results.json [more.json ...]      a later file replaces the results of an earlier one
 *   node bench/report.ts --compare before.json after.json   prints what has changed, and writes nothing
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { REPOSITORY_ROOT } from "../cloudflare/wrangler.ts";
import { compareResults } from "./report/compare-results.ts";
import { drawGrowth } from "./report/growth-plot.ts";
import { fillBlocks } from "./report/markdown.ts";
import { printTable, type Results, readResults } from "./support/results.ts";

const PAGE = join(REPOSITORY_ROOT, "docs/performance.md");
const PLOT = "growth.svg";

const { values, positionals: files } = parseArgs({
  options: { compare: { type: "boolean" } },
  allowPositionals: true,
});
if (files.length === 0) throw new Error("name the files that --json has written");
if (values.compare) {
  for (const table of compareResults(readResults(files[0]!), readResults(files[1]!))) printTable(table);
} else {
  const results: Results = Object.assign({}, ...files.map(readResults));
  let page = fillBlocks(readFileSync(PAGE, "utf8"), results);
  const series = results.growth?.series;
  if (series !== undefined) {
    writeFileSync(join(REPOSITORY_ROOT, "docs", PLOT), `${drawGrowth(series)}\n`);
    page = page.replace(
      /(<!-- plot of growth -->\n).*?(<!-- end of plot -->)/s,
      `$1![How the times grow with the amount of data](${PLOT})\n$2`,
    );
  }
  writeFileSync(PAGE, page);
}
