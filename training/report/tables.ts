import { CARAT_BANDS } from "../../src/domain/carat-bands.ts";
import type { Figures, Metrics } from "../../src/domain/models/model-record.ts";
import { formatVersion, type ModelReference } from "../../src/domain/models/model-reference.ts";
import type { CalibratedGroup, CoverageFigures } from "../../src/domain/prediction/calibration.ts";
import { type Dataset, MAX_SHOWN_SOURCES } from "../data/dataset.ts";
import { compareMetrics, type MetricsComparison } from "../evaluation/compare-metrics.ts";
import { formatRatio, type PriceComparison } from "../evaluation/compare-prices.ts";
import type { Candidate } from "../evaluation/promotion-policy.ts";
import { formatChange, formatCompactDollars, formatCount, formatPercent, formatTime } from "./format.ts";
import { type Html, html } from "./html.ts";

/** Renders the errors on all test stones and per carat band. */
export function renderMetricsTable(metrics: Metrics): Html {
  const renderRow = (name: string, figures: Figures, isTotal: boolean) => html`
    <tr${isTotal ? html` class="all"` : null}><th scope="row">${name}</th><td>${formatCount(figures.rows)}</td>
    <td>${formatCompactDollars(figures.mae)}</td><td>${formatCompactDollars(figures.rmse)}</td><td>${formatPercent(figures.mape)}</td>
    <td>${formatPercent(figures.medianApe)}</td><td>${formatPercent(figures.within10)}</td><td>${figures.r2?.toFixed(4) ?? "–"}</td></tr>`;
  return html`<div class="wide"><table>
    <thead><tr><th scope="col">weight, carat</th><th scope="col">test stones</th><th scope="col">mean error<br>MAE</th>
    <th scope="col">mean error, large<br>errors count more<br>RMSE</th><th scope="col">mean error, %<br>MAPE</th>
    <th scope="col">median error, %<br>median APE</th><th scope="col">within 10 % of<br>the real price</th><th scope="col">differences explained<br>R²</th></tr></thead>
    <tbody>${renderRow("all", metrics, true)}${listBands(metrics).map(([name, figures]) => renderRow(name, figures, false))}</tbody>
  </table></div>`;
}

/** Renders the measured coverage and the width of the ranges, on all test stones and per carat band. */
export function renderCoverageTable({ test }: CalibratedGroup): Html {
  const renderRow = (name: string, { rows, coverages }: CoverageFigures, isTotal: boolean) => html`
    <tr${isTotal ? html` class="all"` : null}><th scope="row">${name}</th><td>${formatCount(rows)}</td>
    ${coverages.map(({ measured, medianWidth }) => html`<td>${formatPercent(measured)}</td><td>${formatPercent(medianWidth, 0)}</td>`)}</tr>`;
  const bands = CARAT_BANDS.flatMap(({ name }) => {
    const figures = test.bands[name];
    return figures === undefined ? [] : [renderRow(name, figures, false)];
  });
  return html`<div class="wide"><table>
    <thead><tr><th scope="col">weight, carat</th><th scope="col">test stones</th>${test.coverages.map(
      ({ coverage }) =>
        html`<th scope="col">in the range<br>of ${formatPercent(coverage, 0)}</th><th scope="col">its width</th>`,
    )}</tr></thead>
    <tbody>${renderRow("all", test, true)}${bands}</tbody>
  </table></div>`;
}

/** Renders the errors of this version and of the champion at the time, both on the same stones. */
export function renderComparisonTable(candidate: Candidate, champion: Candidate): Html {
  const renderRow = ({ name, rows, mae, championMae, change }: MetricsComparison) => {
    const cssClass = change === null || change === 0 ? "" : change < 0 ? "better" : "worse";
    return html`
      <tr${name === "all" ? html` class="all"` : null}><th scope="row">${name}</th><td>${formatCount(rows)}</td>
      <td>${championMae === null ? "–" : formatCompactDollars(championMae)}</td><td>${formatCompactDollars(mae)}</td>
      <td class="${cssClass}">${change === null ? "–" : formatChange(change)}</td></tr>`;
  };
  return html`<div class="wide"><table>
    <thead><tr><th scope="col">weight, carat</th><th scope="col">stones</th><th scope="col">mean error of<br>${formatVersion(champion)}</th>
    <th scope="col">mean error of<br>this version</th><th scope="col">change</th></tr></thead>
    <tbody>${compareMetrics(candidate.metrics, champion.metrics).map(renderRow)}</tbody>
  </table></div>`;
}

/** Renders the ratio of new to old prices and the errors, both on stones that were known before the run. */
export function renderPriceChangeTable(
  comparisons: readonly PriceComparison[],
  champion: ModelReference,
): Html {
  const renderRow = ({ name, rows, medianRatio, championMae, mae }: PriceComparison) => html`
      <tr${name === "all" ? html` class="all"` : null}><th scope="row">${name}</th><td>${formatCount(rows)}</td>
      <td>${formatRatio(medianRatio)}</td><td>${formatCompactDollars(championMae)}</td><td>${formatCompactDollars(mae)}</td></tr>`;
  return html`<div class="wide"><table>
    <thead><tr><th scope="col">weight or grade</th><th scope="col">stones</th><th scope="col">ratio of prices<br>new / old</th>
    <th scope="col">mean error of<br>${formatVersion(champion)}</th><th scope="col">mean error of<br>this version</th></tr></thead>
    <tbody>${comparisons.map(renderRow)}</tbody>
  </table></div>`;
}

/** Renders the newest sources of the stones and their rejected rows, oldest first. */
export function renderSourcesTable({ sources, base }: Pick<Dataset, "sources" | "base">): Html {
  const known = base?.sources ?? { total: 0, newest: [] };
  const shown = [...known.newest, ...sources].slice(-MAX_SHOWN_SOURCES);
  const hidden = known.total + sources.length - shown.length;
  const note =
    hidden > 0
      ? html`<p class="note">The newest ${shown.length} sources; ${formatCount(hidden)} more are older.</p>`
      : null;
  return html`${note}<div class="wide"><table class="text">
    <thead><tr><th scope="col">source</th><th scope="col">read</th><th scope="col" class="number">stones added</th><th scope="col">rows rejected</th></tr></thead>
    <tbody>${shown.map(
      ({ name, rows, rejected, readAt }) => html`
      <tr><td>${name}</td><td>${formatTime(readAt)}</td><td class="number">${formatCount(rows)}</td><td>${formatRejections(rejected)}</td></tr>`,
    )}</tbody>
  </table></div>`;
}

/** Formats rejected rows by reason, the most frequent reason first: `20 zero dimension, 1 unknown cut`. */
export function formatRejections(rejected: Readonly<Record<string, number | undefined>>): string {
  const reasons = Object.entries(rejected)
    .map(([reason, rows = 0]) => ({ reason, rows }))
    .filter(({ rows }) => rows > 0)
    .sort((a, b) => b.rows - a.rows || (a.reason < b.reason ? -1 : 1));
  return reasons.length > 0
    ? reasons.map(({ reason, rows }) => `${formatCount(rows)} ${reason}`).join(", ")
    : "none";
}

function listBands(metrics: Metrics): [string, Figures][] {
  return CARAT_BANDS.flatMap(({ name }): [string, Figures][] => {
    const figures = metrics.bands[name];
    return figures === undefined ? [] : [[name, figures]];
  });
}
