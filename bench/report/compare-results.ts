import type { Results, Table } from "../support/results.ts";

const parseNumber = (cell: string | undefined) => Number((cell || "-").replaceAll(",", ""));

/** The tables of two runs: in each cell the number before, the number after, and after : before. */
export function compareResults(before: Results, after: Results): Table[] {
  return Object.entries(after).flatMap(([name, { tables }]) =>
    tables.flatMap((table) => {
      const old = before[name]?.tables.find(({ title }) => title === table.title);
      return old === undefined ? [] : [compareTables(old, table)];
    }),
  );
}

function compareTables(before: Table, after: Table): Table {
  const rows = after.rows.map(([name = "", ...cells]) => {
    const old = before.rows.find(([oldName]) => oldName === name);
    const compared = cells.map((cell, i) => {
      const oldCell = old?.[i + 1];
      const ratio = parseNumber(cell) / parseNumber(oldCell);
      return Number.isFinite(ratio) ? `${oldCell} > ${cell} (${ratio.toFixed(2)})` : cell;
    });
    return [name, ...compared];
  });
  return { ...after, rows };
}
