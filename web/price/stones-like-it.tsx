import { useCallback, useState } from "preact/hooks";
import { Chart } from "../components/chart.tsx";
import { formatDifference, formatDollars } from "../components/format.ts";
import type { Prediction } from "./use-price.ts";

const FIRST_ROWS = 10;
const COLUMNS = [
  { name: "carat", label: "Weight ct" },
  { name: "depth", label: "Depth %" },
  { name: "table", label: "Table %" },
  { name: "x", label: "Length mm" },
  { name: "y", label: "Width mm" },
  { name: "price", label: "Price" },
] as const;
type Column = (typeof COLUMNS)[number]["name"];

/** The comparable stones as a chart and as a table. */
export function StonesLikeIt({ prediction, carat }: { prediction: Prediction; carat: number }) {
  const { comparables = [], comparison, price } = prediction;
  const [sort, setSort] = useState<{ name: Column; sign: 1 | -1 } | null>(null);
  const [showsAll, setShowsAll] = useState(false);
  const draw = useCallback(
    async (width: number) => (await import("./scatter.ts")).drawScatter(prediction, carat, width),
    [prediction, carat],
  );
  if (comparison === undefined) return null;
  const sorted =
    sort === null ? comparables : comparables.toSorted((a, b) => (a[sort.name] - b[sort.name]) * sort.sign);
  const rows = showsAll ? sorted : sorted.slice(0, FIRST_ROWS);
  const sortBy = (name: Column) =>
    setSort((before) => ({ name, sign: before?.name === name && before.sign === 1 ? -1 : 1 }));
  return (
    <section class="stones">
      <h2>Stones like it</h2>
      {comparables.length === 0 ? (
        <p>No stone that the model learned from has the same cut, colour and clarity.</p>
      ) : (
        <>
          <p class="muted">
            Same cut, colour and clarity and the nearest weight, from those that the model learned from.{" "}
            {comparison.cheaper} of {comparison.count} cost less, {comparison.dearer} cost more.
          </p>
          <div class="stones-columns">
            <Chart draw={draw} />
            <div class="wide">
              <table>
                <thead>
                  <tr>
                    {COLUMNS.map(({ name, label }) => (
                      <th
                        key={name}
                        scope="col"
                        aria-sort={
                          sort?.name !== name ? "none" : sort.sign === 1 ? "ascending" : "descending"
                        }
                      >
                        <button type="button" class="quiet" onClick={() => sortBy(name)}>
                          {label}
                        </button>
                      </th>
                    ))}
                    <th scope="col">Difference</th>
                  </tr>
                </thead>
                <tbody>
                  {rows.map((stone) => (
                    <tr key={stone.id}>
                      {COLUMNS.map(({ name }) => (
                        <td key={name}>{name === "price" ? formatDollars(stone.price) : stone[name]}</td>
                      ))}
                      <td>{formatDifference(stone.price - price)}</td>
                    </tr>
                  ))}
                </tbody>
              </table>
              {comparables.length > FIRST_ROWS && (
                <button type="button" class="quiet no-print" onClick={() => setShowsAll(!showsAll)}>
                  {showsAll ? "Show fewer" : `Show all ${comparables.length}`}
                </button>
              )}
            </div>
          </div>
        </>
      )}
    </section>
  );
}
