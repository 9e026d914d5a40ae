import { CARAT_BANDS } from "../../src/domain/carat-bands.ts";
import type { Figures, Metrics } from "../../src/domain/model-record.ts";
import { formatVersion } from "../../src/domain/model-selector.ts";
import type { Dataset } from "../data/dataset.ts";
import { type Comparison, compareMetrics } from "../evaluation/comparison.ts";
import type { Candidate } from "../evaluation/promotion-policy.ts";
import { change, count, dollars, percent, time } from "./format.ts";
import { type Html, html } from "./html.ts";

/** The figures over all test stones and by carat band. */
export function metricsTable(metrics: Metrics): Html {
  const row = (name: string, figures: Figures, all: boolean) => html`
    <tr${all ? html` class="all"` : null}><th scope="row">${name}</th><td>${count(figures.rows)}</td>
    <td>${dollars(figures.mae)}</td><td>${dollars(figures.rmse)}</td><td>${percent(figures.mape)}</td>
    <td>${percent(figures.medianApe)}</td><td>${percent(figures.within10)}</td><td>${figures.r2?.toFixed(4) ?? "–"}</td></tr>`;
  return html`<div class="wide"><table>
    <thead><tr><th scope="col">weight, carat</th><th scope="col">test stones</th><th scope="col">mean error<br>MAE</th>
    <th scope="col">weighted to large errors<br>RMSE</th><th scope="col">mean error in %<br>MAPE</th>
    <th scope="col">middle error in %<br>median APE</th><th scope="col">priced within 10 %</th><th scope="col">explained<br>R²</th></tr></thead>
    <tbody>${row("all", metrics, true)}${bandsOf(metrics).map(([name, figures]) => row(name, figures, false))}</tbody>
  </table></div>`;
}

/** This version beside the champion of its time, both on the same stones. */
export function comparisonTable(challenger: Candidate, champion: Candidate): Html {
  const row = ({ name, rows, mae, championMae, change: by }: Comparison) => {
    const mark = by === null || by === 0 ? "" : by < 0 ? "better" : "worse";
    return html`
      <tr${name === "all" ? html` class="all"` : null}><th scope="row">${name}</th><td>${count(rows)}</td>
      <td>${championMae === null ? "–" : dollars(championMae)}</td><td>${dollars(mae)}</td>
      <td class="${mark}">${by === null ? "–" : change(by)}</td></tr>`;
  };
  return html`<div class="wide"><table>
    <thead><tr><th scope="col">weight, carat</th><th scope="col">stones</th><th scope="col">mean error of<br>${formatVersion(champion)}</th>
    <th scope="col">mean error of<br>this version</th><th scope="col">change</th></tr></thead>
    <tbody>${compareMetrics(challenger.metrics, champion.metrics).map(row)}</tbody>
  </table></div>`;
}

/** Where the stones came from, and what was not taken. */
export function sourcesTable(sources: Dataset["sources"]): Html {
  return html`<div class="wide"><table class="text">
    <thead><tr><th scope="col">source</th><th scope="col">read</th><th scope="col" class="number">stones taken</th><th scope="col">rows rejected</th></tr></thead>
    <tbody>${sources.map(
      ({ name, rows, rejected, readAt }) => html`
      <tr><td>${name}</td><td>${time(readAt)}</td><td class="number">${count(rows)}</td><td>${rejections(rejected)}</td></tr>`,
    )}</tbody>
  </table></div>`;
}

/** `20 zero dimension, 1 unknown cut`, the most frequent first. */
export function rejections(rejected: Readonly<Record<string, number | undefined>>): string {
  const reasons = Object.entries(rejected)
    .map(([reason, rows = 0]) => ({ reason, rows }))
    .filter(({ rows }) => rows > 0)
    .sort((a, b) => b.rows - a.rows || (a.reason < b.reason ? -1 : 1));
  return reasons.length > 0
    ? reasons.map(({ reason, rows }) => `${count(rows)} ${reason}`).join(", ")
    : "none";
}

function bandsOf(metrics: Metrics): [string, Figures][] {
  return CARAT_BANDS.flatMap(({ name }): [string, Figures][] => {
    const figures = metrics.bands[name];
    return figures === undefined ? [] : [[name, figures]];
  });
}
