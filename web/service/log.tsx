import { useRef, useState } from "preact/hooks";
import { getIdTime } from "../../src/domain/request-id.ts";
import type { Schemas } from "../api/client.ts";
import { CallFailure } from "../components/call-failure.tsx";
import { Field } from "../components/field.tsx";
import { formatDollars } from "../components/format.ts";
import { ScrollArea } from "../components/scroll-area.tsx";
import { formatMs, formatNoun, formatShortSecond } from "./format.ts";
import { LogExport } from "./log-export.tsx";
import { LogFilters } from "./log-filters.tsx";
import { RequestDialog } from "./request-dialog.tsx";
import type { RequestLog } from "./use-log.ts";

/** The request log, newest first, with its filters and the details of a request. */
export function Log({ log, routes }: { log: RequestLog; routes: readonly Schemas["RouteTraffic"][] }) {
  const [openId, setOpenId] = useState<string | null>(null);
  const title = useRef<HTMLHeadingElement>(null);
  const { rows, failure } = log;
  const close = () => {
    setOpenId(null);
    // The button that opened the dialog is gone if its request was erased.
    if (document.activeElement === document.body) title.current?.focus();
  };
  return (
    <section aria-labelledby="log">
      <h2 id="log" ref={title} tabIndex={-1}>
        Request log
      </h2>
      <FindRequest onFind={setOpenId} />
      <LogFilters
        routes={routes.flatMap(({ route }) => route ?? [])}
        errors={failure?.fieldErrors ?? []}
        onSearch={log.search}
      />
      <div class="bar-of-controls">
        <button type="button" onClick={log.reload}>
          Refresh the log
        </button>
        <LogExport filter={log.filter} />
        <p class="small muted" role="status">
          {log.isLoading ? "Loading the log…" : rows && `${formatNoun(rows.length, "request")} shown`}
        </p>
      </div>
      {failure && rows && (
        <p class="failure" role="alert">
          {failure.fieldErrors.length > 0 ? (
            "The filters were not used: see what is wrong beside them. The list is still the one before."
          ) : (
            <>
              The list is not up to date: {failure.message}{" "}
              <button type="button" onClick={log.reload}>
                Try again
              </button>
            </>
          )}
        </p>
      )}
      {failure && !rows && <CallFailure failure={failure} onRetry={log.reload} />}
      {rows && rows.length > 0 && <Rows rows={rows} onOpen={setOpenId} />}
      {rows && <EndOfList log={log} />}
      {openId !== null && <RequestDialog key={openId} id={openId} onErased={log.remove} onClose={close} />}
    </section>
  );
}

function FindRequest({ onFind }: { onFind: (id: string) => void }) {
  const [text, setText] = useState("");
  const [error, setError] = useState<string>();
  return (
    <form
      class="find"
      onSubmit={(event) => {
        event.preventDefault();
        const id = text.trim().toLowerCase();
        const isId = getIdTime(id) !== null;
        setError(isId ? undefined : "An id has 36 characters, such as 019ab2f0-6d1c-7a55-9f3e-2b7c4d1e8a90.");
        if (isId) onFind(id);
      }}
    >
      <Field
        label="Find a request by its id"
        hint="also in the archive"
        value={text}
        onText={setText}
        error={error}
      />
      <button type="submit">Open</button>
    </form>
  );
}

function Rows({ rows, onOpen }: { rows: readonly Schemas["LogEntry"][]; onOpen: (id: string) => void }) {
  return (
    <ScrollArea label="Requests">
      <table class="log">
        <thead>
          <tr>
            <th scope="col">Time</th>
            <th scope="col">Request</th>
            <th scope="col">Status</th>
            <th scope="col">Duration</th>
            <th scope="col">Model</th>
            <th scope="col">Price</th>
            <th scope="col">Caller</th>
          </tr>
        </thead>
        <tbody>
          {rows.map(({ id, at, method, path, status, durationMs, model, price, caller, repeats }) => (
            <tr key={id}>
              <td>
                <button type="button" class="quiet" onClick={() => onOpen(id)}>
                  {formatShortSecond(at)}
                  <span class="visually-hidden">
                    , {method} {path}
                  </span>
                </button>
              </td>
              <td class="request-path">
                {method} {path} {repeats > 0 && <span class="muted">and {repeats} more</span>}
              </td>
              <td class={status >= 400 ? "refused" : ""}>{status}</td>
              <td>{formatMs(durationMs)}</td>
              <td>{model && `${model.name}@${model.version}`}</td>
              <td>{price !== null && formatDollars(price)}</td>
              <td>{caller}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </ScrollArea>
  );
}

/** What follows the last row: older requests, or the end of the log. */
function EndOfList({ log }: { log: RequestLog }) {
  const isEmpty = log.rows?.length === 0;
  const isFiltered = Object.keys(log.filter).length > 0;
  if (!log.hasOlder) {
    if (!isEmpty) return <p class="muted">This is the end of the list.</p>;
    return <p>{isFiltered ? "No request in the log matches these filters." : "The log is empty."}</p>;
  }
  return (
    <>
      {log.isShort && (
        <p>
          {isEmpty ? "No request matches so far." : "The last page is short."} The server looks through a
          limited number of requests at a time. Older ones can match.
        </p>
      )}
      {log.olderFailure && <CallFailure failure={log.olderFailure} onRetry={log.loadOlder} />}
      <button type="button" onClick={log.loadOlder}>
        {log.isLoadingOlder ? "Loading…" : "Older requests"}
      </button>
    </>
  );
}
