import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import { Chart } from "../components/chart.tsx";
import { formatCount, formatDollars } from "../components/format.ts";
import { ScrollArea } from "../components/scroll-area.tsx";
import type { RowResult } from "./price-rows.ts";
import { type CsvFile, writeCsv } from "./read-csv.ts";

const SHOWN_ROWS = 100;

/** The summary of all rows, the file with the prices, and the rows that need attention. */
export function Results({ file, results }: { file: CsvFile; results: readonly RowResult[] }) {
  const priced = results.flatMap((result) => ("prediction" in result ? [result.prediction] : []));
  const prices = useMemo(
    () => results.flatMap((one) => ("prediction" in one ? [one.prediction.price] : [])),
    [results],
  );
  const total = priced.reduce((sum, { price }) => sum + price, 0);
  const doubtful = priced.filter(({ warnings }) => warnings.length > 0).length;
  const errors = results.length - priced.length;
  const rows = useMemo(
    () => results.map((result, i) => ({ number: file.lines[i] ?? 0, row: file.rows[i] ?? [], result })),
    [file, results],
  );
  // Rows that need attention come first.
  const shown = useMemo(
    () => rows.toSorted((a, b) => rank(a.result) - rank(b.result)).slice(0, SHOWN_ROWS),
    [rows],
  );
  const csv = useMemo(
    () =>
      writeCsv(
        [...file.header, "price", "low", "high", "warnings", "error"],
        rows.map(({ row, result }) => [
          ...file.header.map((_, at) => row[at] ?? ""),
          ...toCells(result, file.delimiter),
        ]),
        file.delimiter,
      ),
    [file, rows],
  );
  const draw = useCallback(
    async (width: number) => (await import("./histogram.ts")).drawHistogram(prices, width),
    [prices],
  );
  return (
    <section aria-label="Prices" aria-live="polite">
      <h2>
        {formatCount(priced.length)} priced
        {errors > 0 && `, ${formatCount(errors)} with an error`}
      </h2>
      <p>
        Together {formatDollars(total)}
        {doubtful > 0 && `; ${formatCount(doubtful)} with doubts about the values`}.
      </p>
      <Download csv={csv} />
      {prices.length > 1 && <Chart draw={draw} class="histogram" />}
      <ScrollArea label="Rows">
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">Line</th>
              {file.header.map((name, at) => (
                <th key={`${at} ${name}`} scope="col">
                  {name}
                </th>
              ))}
              <th scope="col">Price</th>
              <th scope="col">Low</th>
              <th scope="col">High</th>
              <th scope="col">Note</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ number, row, result }) => (
              <tr key={number} class={"error" in result ? "bad" : ""}>
                <td>{number}</td>
                {file.header.map((name, at) => (
                  <td key={`${at} ${name}`}>{row[at]}</td>
                ))}
                {"error" in result ? (
                  <>
                    <td />
                    <td />
                    <td />
                    <td class="note error">{result.error}</td>
                  </>
                ) : (
                  <>
                    <td>{formatDollars(result.prediction.price)}</td>
                    <td>{result.prediction.range && formatDollars(result.prediction.range.low)}</td>
                    <td>{result.prediction.range && formatDollars(result.prediction.range.high)}</td>
                    <td class="note">
                      {result.prediction.warnings.map(({ message }) => message).join("; ")}
                    </td>
                  </>
                )}
              </tr>
            ))}
          </tbody>
        </table>
      </ScrollArea>
      {rows.length > SHOWN_ROWS && (
        <p class="muted">
          The first {SHOWN_ROWS} rows; those with an error or a doubt come first. The file has all of them.
        </p>
      )}
    </section>
  );
}

function rank(result: RowResult): number {
  if ("error" in result) return 0;
  return result.prediction.warnings.length > 0 ? 1 : 2;
}

/** The new cells of a row. A file with semicolons usually has decimal commas. */
function toCells(result: RowResult, delimiter: string): string[] {
  if ("error" in result) return ["", "", "", "", result.error];
  const { price, range, warnings } = result.prediction;
  const write = (amount: number | undefined) =>
    amount === undefined ? "" : delimiter === ";" ? String(amount).replace(".", ",") : String(amount);
  return [
    write(price),
    write(range?.low),
    write(range?.high),
    warnings.map(({ message }) => message).join("; "),
    "",
  ];
}

function Download({ csv }: { csv: string }) {
  const [url, setUrl] = useState("");
  useEffect(() => {
    const made = URL.createObjectURL(new Blob([csv], { type: "text/csv" }));
    setUrl(made);
    return () => URL.revokeObjectURL(made);
  }, [csv]);
  return (
    <p>
      <a href={url} download="priced.csv">
        Download the file with prices
      </a>
    </p>
  );
}
