import { MIN_STONES_FOR_VERDICT, WORSE_THAN_TESTED_RATIO } from "../../src/domain/monitoring.ts";
import type { Schemas } from "../api/client.ts";
import { CallFailure } from "../components/call-failure.tsx";
import { formatCount, formatTime } from "../components/format.ts";
import { ScrollArea } from "../components/scroll-area.tsx";
import type { Answer } from "../components/use-answer.ts";
import { Figures } from "./figures.tsx";
import { formatMs, formatShare, WINDOWS, type Window } from "./format.ts";
import { ModelVersion } from "./model-version.tsx";

/** The figures of a window: traffic, errors, latency, and the model versions that answered. */
export function MonitoringFigures({
  answer: { data, failure, isLoading, reload },
  window,
  onWindow,
}: {
  answer: Answer<Schemas["Monitoring"]>;
  window: Window;
  onWindow: (window: Window) => void;
}) {
  return (
    <>
      <section aria-labelledby="figures">
        <h2 id="figures">Figures</h2>
        <div class="bar-of-controls">
          <Windows window={window} onWindow={onWindow} />
          <button type="button" onClick={reload}>
            Refresh the figures
          </button>
          <p class="small muted" role="status">
            {isLoading ? "Loading the figures…" : data && describeCount(data.countedUntil)}
          </p>
        </div>
        {failure && data && (
          <p class="failure" role="alert">
            Not up to date: {failure.message} The figures are those of the last{" "}
            {WINDOWS[data.window as Window].label} before{" "}
            {data.countedUntil === null ? "the first count" : formatTime(data.countedUntil)}.{" "}
            <button type="button" onClick={reload}>
              Try again
            </button>
          </p>
        )}
        {failure && !data && <CallFailure failure={failure} onRetry={reload} />}
        {data && <Traffic monitoring={data} />}
      </section>
      {data && data.models.length > 0 && (
        <section aria-labelledby="versions">
          <h2 id="versions">Model versions</h2>
          <p class="small muted prose">
            The live error is the mean absolute error (MAE): how far prices are from reported sale prices, on
            average. It is compared with the error on the test stones, and with the error that the calibration
            promises for the stones that were asked for; from {WORSE_THAN_TESTED_RATIO} times it is worse.
            Coverage is the share of sale prices inside the range of their price. A verdict needs{" "}
            {MIN_STONES_FOR_VERDICT} stones.
          </p>
          {data.models.map((model) => (
            <ModelVersion key={`${model.name}@${model.version}`} model={model} />
          ))}
        </section>
      )}
    </>
  );
}

function describeCount(countedUntil: string | null): string {
  return countedUntil === null
    ? "Nothing is counted yet. Requests are counted every few minutes."
    : `Counted until ${formatTime(countedUntil)}.`;
}

function Windows({ window, onWindow }: { window: Window; onWindow: (window: Window) => void }) {
  return (
    <fieldset>
      <legend class="visually-hidden">Window</legend>
      <div class="segments">
        {(Object.keys(WINDOWS) as Window[]).map((value) => (
          <label key={value}>
            <input
              type="radio"
              name="window"
              value={value}
              checked={window === value}
              onChange={() => onWindow(value)}
            />
            <span>{WINDOWS[value].label}</span>
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Traffic({ monitoring }: { monitoring: Schemas["Monitoring"] }) {
  const { label } = WINDOWS[monitoring.window as Window];
  const hasOutcomes = monitoring.periods.some(({ live }) => live.stones > 0);
  if (monitoring.requests === 0 && !hasOutcomes)
    return monitoring.countedUntil === null ? null : <p>No request was counted in the last {label}.</p>;
  return (
    <>
      <Figures monitoring={monitoring} />
      <details>
        <summary>Traffic by endpoint</summary>
        <ScrollArea label="Traffic by endpoint">
          <table class="routes">
            <thead>
              <tr>
                <th scope="col">Route</th>
                <th scope="col">Requests</th>
                <th scope="col">Errors (5xx)</th>
                <th scope="col">Refused (4xx)</th>
                <th scope="col">p50</th>
                <th scope="col">p95</th>
              </tr>
            </thead>
            <tbody>
              {monitoring.routes.map(({ route, requests, errorShare, refusedShare, latency }) => (
                <tr key={route}>
                  <th scope="row">{route ?? "unknown paths"}</th>
                  <td>{formatCount(requests)}</td>
                  <td>{errorShare === null ? "–" : formatShare(errorShare)}</td>
                  <td>{refusedShare === null ? "–" : formatShare(refusedShare)}</td>
                  <td>{latency.p50 === null ? "–" : formatMs(latency.p50)}</td>
                  <td>{latency.p95 === null ? "–" : formatMs(latency.p95)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </ScrollArea>
      </details>
    </>
  );
}
