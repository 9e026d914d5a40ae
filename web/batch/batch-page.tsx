import { useEffect, useMemo, useRef, useState } from "preact/hooks";
import { STONE_COLUMNS } from "../../src/domain/diamond.ts";
import { CallFailed } from "../api/client.ts";
import { formatDollars } from "../components/format.ts";
import { Header } from "../components/header.tsx";
import { KeyForm } from "../components/key-form.tsx";
import { priceRows, type RowResult } from "./price-rows.ts";
import {
  type ColumnMapping,
  type CsvFile,
  guessColumns,
  REQUIRED_COLUMNS,
  readCsv,
  readStone,
  type StoneColumn,
  writeCsv,
} from "./read-csv.ts";

const SHOWN_ROWS = 100;
const EXAMPLE = "carat,cut,color,clarity\n0.7,Good,F,VVS1\n1.1,Ideal,H,SI2\n";

type Progress =
  | { readonly kind: "idle" }
  | { readonly kind: "running"; readonly finished: number }
  | { readonly kind: "failed"; readonly failure: CallFailed }
  | { readonly kind: "cancelled" }
  | { readonly kind: "done"; readonly results: readonly RowResult[] };

/** The page that prices all stones of a CSV file. The file stays in the browser; only its stones are sent. */
export function BatchPage() {
  const [text, setText] = useState("");
  const [changes, setChanges] = useState<Partial<ColumnMapping>>({});
  const [progress, setProgress] = useState<Progress>({ kind: "idle" });
  const cancel = useRef<AbortController | null>(null);
  const file = useMemo(() => readCsv(text), [text]);
  const mapping = useMemo(() => ({ ...guessColumns(file.header), ...changes }), [file, changes]);
  const missing = REQUIRED_COLUMNS.filter((column) => mapping[column] === null);

  const reset = () => {
    cancel.current?.abort();
    setProgress({ kind: "idle" });
  };
  const load = (content: string) => {
    reset();
    setChanges({});
    setText(content);
  };
  const start = async () => {
    const control = new AbortController();
    cancel.current = control;
    setProgress({ kind: "running", finished: 0 });
    const update = (next: Progress) => {
      if (cancel.current === control && !control.signal.aborted) setProgress(next);
    };
    try {
      const stones = file.rows.map((row) => readStone(row, mapping));
      const results = await priceRows(
        stones,
        (finished) => update({ kind: "running", finished }),
        control.signal,
      );
      update({ kind: "done", results });
    } catch (error) {
      update({
        kind: "failed",
        failure: error instanceof CallFailed ? error : new CallFailed(String(error), null),
      });
    }
  };
  const stop = () => {
    cancel.current?.abort();
    setProgress({ kind: "cancelled" });
  };

  return (
    <>
      <Header current="/batch" />
      <main class="batch">
        <h1>Price many stones</h1>
        <p class="muted">
          Drop a CSV file anywhere in the box, choose one, or paste rows from a spreadsheet. It needs columns
          for weight, cut, colour and clarity.
        </p>
        <CsvInput text={text} onText={load} />
        {text === "" ? (
          <button type="button" onClick={() => load(EXAMPLE)}>
            Try an example
          </button>
        ) : (
          <>
            <Columns
              file={file}
              mapping={mapping}
              onChange={(change) => {
                reset();
                setChanges({ ...changes, ...change });
              }}
            />
            {missing.length > 0 && (
              <p class="failure" role="alert">
                Choose the column for {missing.join(", ")}. The file has {file.header.join(", ")}.
              </p>
            )}
            <div class="actions">
              <button
                type="button"
                disabled={missing.length > 0 || file.rows.length === 0 || progress.kind === "running"}
                onClick={start}
              >
                Price {file.rows.length.toLocaleString("en-US")} {file.rows.length === 1 ? "stone" : "stones"}
              </button>
              {progress.kind === "running" && (
                <button type="button" onClick={stop}>
                  Cancel
                </button>
              )}
            </div>
          </>
        )}
        {progress.kind === "running" && (
          <p>
            <progress max={file.rows.length} value={progress.finished} aria-label="Priced stones" />{" "}
            {progress.finished.toLocaleString("en-US")} of {file.rows.length.toLocaleString("en-US")}
          </p>
        )}
        {progress.kind === "cancelled" && <p role="status">Cancelled. Nothing was kept.</p>}
        {progress.kind === "failed" && <Failure failure={progress.failure} onRetry={start} />}
        {progress.kind === "done" && <Results file={file} results={progress.results} />}
      </main>
    </>
  );
}

function Failure({ failure, onRetry }: { failure: CallFailed; onRetry: () => void }) {
  if (failure.needsKey) return <KeyForm failure={failure} onKey={onRetry} />;
  return (
    <p class="failure" role="alert">
      {failure.message}{" "}
      <button type="button" onClick={onRetry}>
        Try again
      </button>
    </p>
  );
}

function CsvInput({ text, onText }: { text: string; onText: (text: string) => void }) {
  const read = async (file: File | undefined) => {
    if (file !== undefined) onText(await file.text());
  };
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping a file is a shortcut for the file field
    <div
      class="drop"
      onDragOver={(event) => event.preventDefault()}
      onDrop={(event) => {
        event.preventDefault();
        void read(event.dataTransfer?.files[0]);
      }}
    >
      <label>
        CSV file
        <input
          type="file"
          accept=".csv,.tsv,.txt,text/csv"
          onChange={(event) => read(event.currentTarget.files?.[0])}
        />
      </label>
      <label>
        Or paste rows, with the column names first
        <textarea
          rows={5}
          value={text.length > 20_000 ? "" : text}
          placeholder={text.length > 20_000 ? "(the file is loaded)" : ""}
          onInput={(event) => onText(event.currentTarget.value)}
        />
      </label>
    </div>
  );
}

function Columns({
  file,
  mapping,
  onChange,
}: {
  file: CsvFile;
  mapping: ColumnMapping;
  onChange: (change: Partial<Record<StoneColumn, number | null>>) => void;
}) {
  return (
    <fieldset class="mapping">
      <legend>Columns</legend>
      {STONE_COLUMNS.map((column) => (
        <div key={column}>
          <label for={`column-${column}`}>{column}</label>
          <select
            id={`column-${column}`}
            value={mapping[column] ?? ""}
            onChange={({ currentTarget: { value } }) =>
              onChange({ [column]: value === "" ? null : Number(value) })
            }
          >
            <option value="">not in the file</option>
            {file.header.map((name, at) => (
              <option key={name} value={at}>
                {name || `column ${at + 1}`}
              </option>
            ))}
          </select>
        </div>
      ))}
    </fieldset>
  );
}

function Results({ file, results }: { file: CsvFile; results: readonly RowResult[] }) {
  const priced = results.flatMap((result) => ("prediction" in result ? [result.prediction] : []));
  const prices = useMemo(
    () => results.flatMap((one) => ("prediction" in one ? [one.prediction.price] : [])),
    [results],
  );
  const total = priced.reduce((sum, { price }) => sum + price, 0);
  const doubtful = priced.filter(({ warnings }) => warnings.length > 0).length;
  const errors = results.length - priced.length;
  const rows = useMemo(
    () => results.map((result, i) => ({ number: i + 2, row: file.rows[i] ?? [], result })),
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
  return (
    <section aria-label="Prices" aria-live="polite">
      <h2>
        {priced.length.toLocaleString("en-US")} priced
        {errors > 0 && `, ${errors.toLocaleString("en-US")} with an error`}
      </h2>
      <p>
        Together {formatDollars(total)}
        {doubtful > 0 && `; ${doubtful.toLocaleString("en-US")} with doubts about the values`}.
      </p>
      <Download csv={csv} />
      <Histogram prices={prices} />
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a part that scrolls must be reachable by keyboard */}
      <section class="wide" tabIndex={0} aria-label="Rows">
        <table class="rows">
          <thead>
            <tr>
              <th scope="col">Line</th>
              {file.header.map((name) => (
                <th key={name} scope="col">
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
                  <td key={name}>{row[at]}</td>
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
      </section>
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

/** The chart library is loaded after the prices are shown. */
function Histogram({ prices }: { prices: readonly number[] }) {
  const container = useRef<HTMLDivElement>(null);
  useEffect(() => {
    let isCurrent = true;
    import("./histogram.ts")
      .then(({ drawHistogram }) => {
        if (isCurrent && prices.length > 1) container.current?.replaceChildren(drawHistogram(prices));
      })
      .catch(() => container.current?.replaceChildren("The chart could not be loaded."));
    return () => {
      isCurrent = false;
    };
  }, [prices]);
  return <div ref={container} class="plot histogram" />;
}
