import type { ComponentChildren } from "preact";
import { useCallback } from "preact/hooks";
import type { Schemas } from "../api/client.ts";
import { Chart } from "../components/chart.tsx";
import { formatCount, formatDollars } from "../components/format.ts";
import { formatMs, formatNoun, formatShare, WINDOWS, type Window } from "./format.ts";

type Monitoring = Schemas["Monitoring"];

/** Four small charts of a window, each with its total in words. */
export function Figures({ monitoring }: { monitoring: Monitoring }) {
  const { requests, errorShare, refusedShare, latency, periods } = monitoring;
  const live = combineErrors(periods.map((period) => period.live));
  const expected = combineErrors(periods.map((period) => period.expected));
  return (
    <div class="figures">
      <Figure
        title="Requests"
        chart="drawRequests"
        monitoring={monitoring}
        total={requests > 0 ? formatCount(requests) : null}
        caption="requests"
      >
        {requests === 0
          ? "No request was counted in this window."
          : `in the last ${WINDOWS[monitoring.window as Window].label}`}
      </Figure>
      <Figure
        title="Errors"
        chart="drawErrors"
        monitoring={monitoring}
        total={errorShare === null ? null : formatShare(errorShare)}
        caption="share of the requests that failed (5xx, solid) or were refused (4xx, dashed)"
      >
        {refusedShare === null
          ? "Without requests there is no share of errors."
          : `failed (5xx); ${formatShare(refusedShare)} were refused (4xx)`}
      </Figure>
      <Figure
        title="Latency"
        chart="drawLatency"
        monitoring={monitoring}
        total={latency.p95 === null ? null : formatMs(latency.p95)}
        caption="milliseconds, p50 (solid) and p95 (dashed)"
      >
        {latency.p50 === null
          ? "Without requests there is no latency."
          : `or less for 95% of the requests (p95); ${formatMs(latency.p50)} or less for half (p50)`}
      </Figure>
      <Figure
        title="Live error"
        chart="drawLiveError"
        monitoring={monitoring}
        total={live.mae === null ? null : formatDollars(live.mae)}
        caption="mean absolute error, live (solid) and expected (dashed)"
      >
        {live.mae === null
          ? "No sale price was reported in this window."
          : `mean distance from ${formatNoun(live.stones, "sale price")}`}
        {expected.mae !== null && `; ${formatDollars(expected.mae)} is expected for the stones asked for`}
      </Figure>
    </div>
  );
}

/** A total, and its chart by period. Without a total there is no chart: the text says why. */
function Figure({
  title,
  chart,
  monitoring,
  total,
  caption,
  children,
}: {
  title: string;
  chart: "drawRequests" | "drawErrors" | "drawLatency" | "drawLiveError";
  monitoring: Monitoring;
  total: string | null;
  caption: string;
  children: ComponentChildren;
}) {
  const draw = useCallback(async () => (await import("./charts.ts"))[chart](monitoring), [chart, monitoring]);
  const { label, period } = WINDOWS[monitoring.window as Window];
  return (
    <figure>
      <h3>{title}</h3>
      {total !== null && <p class="large">{total}</p>}
      <p class="small total-text">{children}</p>
      {total !== null && (
        <>
          <Chart draw={draw} />
          <figcaption class="small muted">
            Last {label}, per {period}: {caption}
          </figcaption>
        </>
      )}
    </figure>
  );
}

/** The mean error of all stones of all periods. */
function combineErrors(errors: readonly Schemas["PeriodError"][]): Schemas["PeriodError"] {
  const stones = errors.reduce((sum, error) => sum + error.stones, 0);
  const total = errors.reduce((sum, error) => sum + error.stones * (error.mae ?? 0), 0);
  return { stones, mae: stones === 0 ? null : total / stones };
}
