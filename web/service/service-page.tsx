import { useCallback, useState } from "preact/hooks";
import { api, CallFailed, readAnswer } from "../api/client.ts";
import { CallFailure } from "../components/call-failure.tsx";
import { Header } from "../components/header.tsx";
import { useAnswer } from "../components/use-answer.ts";
import { useKey } from "../components/use-key.ts";
import type { Window } from "./format.ts";
import { Log } from "./log.tsx";
import { MonitoringFigures } from "./monitoring-figures.tsx";
import { useLog } from "./use-log.ts";

const KEY_PURPOSE =
  "The figures and the log of the service are for its operators: enter a key with the scope admin. On your own machine, “npm start” prints one.";
const KEY_MISSING = new CallFailed("A key is needed.", 401);

/** The page for the people who operate Facet: its figures, its model versions and its request log. */
export function ServicePage() {
  const key = useKey();
  return (
    <>
      <Header current="/service" />
      <main class="page service">
        <h1>Service</h1>
        {key === null ? (
          // The first call is made when there is a key, so that it is not refused and logged.
          <CallFailure failure={KEY_MISSING} onRetry={() => {}} keyPurpose={KEY_PURPOSE} />
        ) : (
          // With another key, nothing that an earlier key has read stays on the page.
          <ServiceViews key={key} />
        )}
      </main>
    </>
  );
}

function ServiceViews() {
  const [window, setWindow] = useState<Window>("24h");
  const read = useCallback(
    (signal: AbortSignal) => readAnswer(api.GET("/v1/monitoring", { params: { query: { window } }, signal })),
    [window],
  );
  const monitoring = useAnswer(read);
  const log = useLog();
  const refusal = [monitoring.failure, log.failure].find((failure) => failure?.needsKey);
  const reload = () => {
    monitoring.reload();
    log.reload();
  };
  if (refusal) return <CallFailure failure={refusal} onRetry={reload} keyPurpose={KEY_PURPOSE} />;
  // Both parts appear together, so that the log does not move when the figures come.
  const answers = [monitoring.data ?? monitoring.failure, log.rows ?? log.failure];
  if (answers.includes(null)) return <p role="status">Reading the figures and the log …</p>;
  return (
    <>
      <MonitoringFigures answer={monitoring} window={window} onWindow={setWindow} />
      <Log log={log} routes={monitoring.data?.routes ?? []} />
    </>
  );
}
