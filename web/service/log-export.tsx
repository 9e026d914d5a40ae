import { useState } from "preact/hooks";
import { api, type CallFailed, readAnswer } from "../api/client.ts";
import { CallFailure } from "../components/call-failure.tsx";
import { saveFile } from "../components/save-file.ts";
import { toCallFailed } from "../components/use-answer.ts";
import { type LogFilter, toQuery } from "./use-log.ts";

type Format = "csv" | "ndjson";
type Progress =
  | { readonly kind: "idle" | "running" | "done" }
  | { readonly kind: "failed"; readonly format: Format; readonly failure: CallFailed };

/** Buttons that download all requests of a filter. A link could not send the key. */
export function LogExport({ filter }: { filter: LogFilter }) {
  const [progress, setProgress] = useState<Progress>({ kind: "idle" });
  const start = async (format: Format) => {
    setProgress({ kind: "running" });
    try {
      const query = { ...toQuery(filter), format };
      saveFile(
        await readAnswer<Blob>(api.GET("/v1/requests/export", { params: { query }, parseAs: "blob" })),
        `requests.${format}`,
      );
      setProgress({ kind: "done" });
    } catch (error) {
      setProgress({ kind: "failed", format, failure: toCallFailed(error) });
    }
  };
  return (
    <div class="log-export">
      <div class="actions">
        <button type="button" onClick={() => start("csv")}>
          Download as CSV
        </button>
        <button type="button" onClick={() => start("ndjson")}>
          Download as NDJSON
        </button>
      </div>
      <p class="small muted" role="status">
        {progress.kind === "running" && "Preparing the file…"}
        {progress.kind === "done" && "The file is downloaded."}
      </p>
      {progress.kind === "failed" && (
        <CallFailure failure={progress.failure} onRetry={() => start(progress.format)} />
      )}
    </div>
  );
}
