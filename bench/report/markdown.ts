import type { Result, Results, Table } from "../support/results.ts";

const BLOCK = /(<!-- results: ([^\n]+?) -->\n).*?(<!-- end of results -->)/gs;

/** Replaces the blocks of a Markdown file whose benchmarks have results. The other blocks stay. */
export function fillBlocks(text: string, results: Results): string {
  return text.replaceAll(BLOCK, (block, start: string, name: string, end: string) => {
    const result = results[name];
    return result === undefined ? block : `${start}${renderResult(result)}\n${end}`;
  });
}

function renderResult({ at, machine, options, tables, failures }: Result): string {
  const run = options === "" ? "default options" : `\`${options}\``;
  return [
    ...tables.map(renderTable),
    ...failures.map((failure) => `Did not hold: ${failure}.\n`),
    `Measured ${at.slice(0, 10)} with ${run} on ${machine}.`,
  ].join("\n");
}

function renderTable({ title, head, rows }: Table): string {
  const alignment = head.map((_, column) => (column === 0 ? "---" : "---:"));
  const lines = [head, alignment, ...rows].map((cells) => `| ${cells.join(" | ")} |`);
  return `${title}:\n\n${lines.join("\n")}\n`;
}
