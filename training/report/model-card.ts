import { formatMegabytes } from "../../src/domain/models/model-memory.ts";
import { formatVersion } from "../../src/domain/models/model-reference.ts";
import type { Calibration } from "../../src/domain/prediction/calibration.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Split } from "../data/split.ts";
import type { PromotionDecision } from "../evaluation/decide-promotion.ts";
import type { ExplainedStone } from "../evaluation/explain-examples.ts";
import { listRareGrades } from "../evaluation/rare-grades.ts";
import type { VersionedModel } from "../models/trained-model.ts";
import type { Provenance } from "../registry/provenance.ts";
import { renderCoveragePlot } from "./coverage-plot.ts";
import { renderErrorsPlot } from "./errors-plot.ts";
import {
  formatBytes,
  formatCompactDollars,
  formatCount,
  formatDuration,
  formatPercent,
  formatSetting,
  formatSettingName,
  formatTime,
} from "./format.ts";
import { type HistoryPoint, renderHistoryPlot } from "./history-plot.ts";
import { type Html, html } from "./html.ts";
import { renderImportancePlot } from "./importance-plot.ts";
import { renderPage } from "./page.ts";
import { renderPricesPlot } from "./prices-plot.ts";
import { renderReasonsPlot } from "./reasons-plot.ts";
import {
  formatRejections,
  renderComparisonTable,
  renderCoverageTable,
  renderMetricsTable,
  renderPriceChangeTable,
  renderSourcesTable,
} from "./tables.ts";

/** The information about one version that its model card shows. */
export interface ModelCardInput {
  readonly model: VersionedModel;
  readonly dataset: Dataset;
  readonly split: Split;
  readonly decision: PromotionDecision;
  readonly provenance: Provenance;
  readonly seed: number;
  /** Duration of the run so far. */
  readonly runSeconds: number;
  readonly createdAt: string;
  /** The versions that are already published, in any order. */
  readonly history: readonly HistoryPoint[];
}

/**
 * Renders the model card of a version for people who know diamonds, but not statistics. It is one HTML file
 * without scripts and without requests. The same input produces the same bytes.
 */
export function renderModelCard(input: ModelCardInput): string {
  const { model, split } = input;
  const stones = split.test.map(({ carat, price }, row) => ({
    carat,
    actual: price,
    predicted: model.prices[row]!,
  }));
  const { name, version, metrics } = model;
  return renderPage(
    formatVersion(model),
    html`
<header>
<p class="kind">Facet model card</p>
<h1>${name}<span class="version">@${version}</span></h1>
<p class="lead">This model estimates the price of a cut diamond in US dollars from its weight, cut, colour and clarity, and from its measurements if they are known. It was trained on ${formatCount(split.train.length)} stones and tested on ${formatCount(split.test.length)} other stones.</p>
${renderVerdict(input)}
</header>
${renderTiles(input)}
<h2>Accuracy</h2>
<div class="figures">${renderPricesPlot(stones)}${renderErrorsPlot(stones)}</div>
<h2>Errors by weight</h2>
<p class="note">All errors are measured on the test stones, with the model file that is published.</p>
${renderMetricsTable(metrics)}
${renderRanges(model.calibration)}
${renderReasons(model.examples)}
${renderComparison(input)}
<h2>Properties and history</h2>
<div class="figures">${renderImportancePlot(model.importance)}${renderHistoryPlot(input.history, { name, version, mae: metrics.mae, createdAt: input.createdAt })}</div>
${renderDataset(input)}
${renderProvenance(input)}
<footer>Created by Facet ${input.provenance.facetVersion} on ${formatTime(input.createdAt)}.</footer>`,
  );
}

function renderVerdict({ model, decision: { verdict } }: ModelCardInput): Html {
  const { champion, promoted, reason } = verdict;
  const isPromoted = promoted && champion?.name === model.name && champion.version === model.version;
  const change = promoted ? "became the champion" : "remains the champion";
  const outcome = isPromoted
    ? "This version became the champion: it answers all requests that do not name a model."
    : champion === null
      ? "This version is stored, but not in use: there is no champion."
      : `This version is stored, but not in use: ${formatVersion(champion)} ${change}.`;
  return html`<p class="verdict${isPromoted ? " promoted" : ""}"><strong>${outcome}</strong><br>Reason: ${reason}.</p>`;
}

function renderTiles({ model: { metrics } }: ModelCardInput): Html {
  const renderTile = (name: string, value: string, meaning: string) =>
    html`<div><dt>${name}</dt><dd class="figure">${value}</dd><dd class="means">${meaning}</dd></div>`;
  return html`<dl class="tiles">
${renderTile("Mean error", formatCompactDollars(metrics.mae), "the average difference between the model's price and the real price")}
${renderTile("Median error", formatPercent(metrics.medianApe), "half of the stones have a smaller error")}
${renderTile("Within 10 %", formatPercent(metrics.within10), "of the stones have a price within 10 % of the real price")}
${renderTile("Explained", metrics.r2 === null ? "–" : formatPercent(metrics.r2), "of the differences between the prices of stones (R²); 100 % is perfect")}
</dl>`;
}

const WITH_SIZE = "Stones with length and width";
const WITHOUT_SIZE = "Stones of which only weight, cut, colour and clarity are known";

function renderRanges(calibration: Calibration | null): Html {
  const title = html`<h2>Ranges</h2>`;
  if (calibration === null) {
    return html`${title}<p class="note">This version has no ranges: there were too few stones to calibrate them.</p>`;
  }
  const { method, withSize, withoutSize } = calibration;
  const source =
    method === "cross-fitting"
      ? `They were calibrated on the ${formatCount(withSize.rows)} training stones, each priced by a model that was trained without it.`
      : `This version was trained elsewhere, so they were calibrated on half of the test stones, and the other half was used to measure them.`;
  return html`${title}
<p class="note">Each price comes with a range that contains most real prices of such stones. ${source} The width is the median distance between the ends of the range, relative to the price.</p>
<div class="figures">${renderCoveragePlot(WITH_SIZE, withSize)}${renderCoveragePlot(WITHOUT_SIZE, withoutSize)}</div>
<br><h3>${WITH_SIZE}</h3>
${renderCoverageTable(withSize)}
<br><h3>${WITHOUT_SIZE}</h3>
${renderCoverageTable(withoutSize)}`;
}

function renderReasons(examples: readonly ExplainedStone[]): Html {
  if (examples.length === 0) return html``;
  return html`<h2>Reasons</h2>
<p class="note">Why three of the test stones have their price: the difference that each property makes, compared with a typical stone. Size is the weight with length, width and depth. Proportions are depth and table width in percent.</p>
<div class="figures">${examples.map(renderReasonsPlot)}</div>`;
}

function renderComparison({ model, decision }: ModelCardInput): Html {
  const { candidates, champion } = decision;
  const title = html`<h2>Comparison with the champion</h2>`;
  const candidate = candidates.find(({ name, version }) => name === model.name && version === model.version);
  if (champion === null || candidate === undefined) {
    return html`${title}<p class="note">There was no champion to compare this version with.</p>`;
  }
  return html`${title}
<p class="note">Both are measured on the same ${formatCount(champion.metrics.rows)} stones. Neither was trained on these stones. A negative change is an improvement.</p>
${renderComparisonTable(candidate, champion)}
${renderPriceChange(decision, candidates.indexOf(candidate))}`;
}

/** @param i position of the version among the candidates */
function renderPriceChange({ priceComparisons, champion }: PromotionDecision, i: number): Html {
  const comparisons = priceComparisons?.[i] ?? [];
  if (champion === null || comparisons.length === 0) return html``;
  return html`<br><h3>New and old prices</h3>
<p class="note">Both models priced the test stones of ${formatVersion(champion)}, which are known from before this run. The ratio is the median of this version's price divided by the price of ${formatVersion(champion)}. These stones have earlier prices. So the move of the market was taken out of this version's prices before their error was measured: the ratio of all stones, and up to a tenth more or less for each weight and grade.</p>
${renderPriceChangeTable(comparisons, champion)}`;
}

function renderDataset({ dataset, split }: ModelCardInput): Html {
  const rareGrades = listRareGrades(split.train);
  return html`<h2>Training data</h2>
<dl class="facts">
<dt>Dataset</dt><dd><code>${dataset.id}</code></dd>
<dt>Stones</dt><dd>${formatCount(dataset.stones.length)}: ${formatCount(split.train.length)} for training, ${formatCount(split.test.length)} for testing</dd>
<dt>Grades with few training stones</dt><dd>${rareGrades.length > 0 ? `${rareGrades.join(", ")}: the prices of such stones are extrapolations` : "none"}</dd>
<dt>Rows rejected in this run</dt><dd>${formatRejections(dataset.rejected)}</dd>
</dl>
<br>${renderSourcesTable(dataset)}`;
}

function renderProvenance({ model, provenance, seed, runSeconds, createdAt }: ModelCardInput): Html {
  const settings = Object.entries(model.hyperparameters).filter(([key]) => key !== "seed");
  return html`<h2>Training run</h2>
<div class="columns">
<section><h3>Origin</h3><dl class="facts">
<dt>Trained</dt><dd>${formatTime(createdAt)}</dd>
<dt>Run by</dt><dd>${renderLink(provenance.runBy)}</dd>
<dt>Duration</dt><dd>training ${formatDuration(model.fitSeconds)}, run ${formatDuration(runSeconds)}</dd>
<dt>Git commit</dt><dd>${provenance.gitCommit === null ? "unknown" : html`<code>${provenance.gitCommit}</code>`}</dd>
<dt>Facet version</dt><dd>${provenance.facetVersion}</dd>
<dt>File</dt><dd>ONNX, ${formatBytes(model.bytes.length)}</dd>
<dt>Memory</dt><dd>${formatMegabytes(model.memory.memoryBytes)} to load, ${formatMegabytes(model.memory.sessionBytes)} afterwards</dd>
<dt>SHA-256</dt><dd><code>${model.sha256}</code></dd>
</dl></section>
<section><h3>Settings</h3><dl class="facts">
<dt>seed</dt><dd>${seed}</dd>
${settings.map(([key, value]) => html`<dt>${formatSettingName(key)}</dt><dd>${formatSetting(value)}</dd>\n`)}
</dl></section>
</div>`;
}

/** Renders the URL of a run as a link, and any other text as text. */
function renderLink(text: string): Html {
  if (!/^https:\/\/[^\s]+$/.test(text)) return html`${text}`;
  return html`<a href="${text}" rel="noopener noreferrer">${text}</a>`;
}
