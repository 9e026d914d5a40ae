import { useMemo, useRef, useState } from "preact/hooks";
import { STONE_COLUMNS } from "../../src/domain/diamond.ts";
import type { CallFailed } from "../api/client.ts";
import { CallFailure } from "../components/call-failure.tsx";
import { formatCount } from "../components/format.ts";
import { Header } from "../components/header.tsx";
import { toCallFailed } from "../components/use-answer.ts";
import { priceRows, type RowResult } from "./price-rows.ts";
import {
  type ColumnMapping,
  type CsvFile,
  guessColumns,
  REQUIRED_COLUMNS,
  readCsv,
  readStone,
  type StoneColumn,
} from "./read-csv.ts";
import { Results } from "./results.tsx";

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
      update({ kind: "failed", failure: toCallFailed(error) });
    }
  };
  const stop = () => {
    cancel.current?.abort();
    setProgress({ kind: "cancelled" });
  };

  return (
    <>
      <Header current="/batch" />
      <main class="page">
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
                Price {formatCount(file.rows.length)} {file.rows.length === 1 ? "stone" : "stones"}
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
            {formatCount(progress.finished)} of {formatCount(file.rows.length)}
          </p>
        )}
        {progress.kind === "cancelled" && <p role="status">Cancelled. Nothing was kept.</p>}
        {progress.kind === "failed" && <CallFailure failure={progress.failure} onRetry={start} />}
        {progress.kind === "done" && <Results file={file} results={progress.results} />}
      </main>
    </>
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
              <option key={`${at} ${name}`} value={at}>
                {name || `column ${at + 1}`}
              </option>
            ))}
          </select>
        </div>
      ))}
    </fieldset>
  );
}
