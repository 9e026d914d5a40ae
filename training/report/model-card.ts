import { formatVersion } from "../../src/domain/model-selector.ts";
import type { Split, VersionedModel } from "../builders/model-builder.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Decision } from "../evaluation/decide.ts";
import type { Provenance } from "../publish/provenance.ts";
import { errorsPlot } from "./errors-plot.ts";
import { count, dollars, duration, percent, setting, settingName, size, time } from "./format.ts";
import { type HistoryPoint, historyPlot } from "./history-plot.ts";
import { type Html, html } from "./html.ts";
import { importancePlot } from "./importance-plot.ts";
import { page } from "./page.ts";
import { pricesPlot } from "./prices-plot.ts";
import { comparisonTable, metricsTable, rejections, sourcesTable } from "./tables.ts";

/** What a run knows of one version, all of which its model card shows. */
export interface ReportInput {
  readonly model: VersionedModel;
  readonly dataset: Dataset;
  readonly split: Split;
  readonly decision: Decision;
  readonly origin: Provenance;
  readonly seed: number;
  /** Duration of the run until now. */
  readonly runSeconds: number;
  readonly createdAt: string;
  /** The versions that are published already, in any order. */
  readonly history: readonly HistoryPoint[];
}

/**
 * The model card of a version: one HTML file that needs nothing else (no script, no request), for people
 * who know diamonds rather than statistics. The same input gives the same bytes.
 */
export function renderReport(input: ReportInput): string {
  const { model, split } = input;
  const stones = split.test.map(({ carat, price }, row) => ({
    carat,
    actual: price,
    predicted: model.prices[row]!,
  }));
  const { name, version, metrics } = model;
  return page(
    formatVersion(model),
    html`
<header>
<p class="kind">Facet model card</p>
<h1>${name}<span class="version">@${version}</span></h1>
<p class="lead">Tells the price of a cut diamond in US dollars from its weight, cut, colour and clarity, and from its measurements where they are known. Trained on ${count(split.train.length)} stones, and tested on ${count(split.test.length)} others that it never saw.</p>
${verdictBox(input)}
</header>
${tiles(input)}
<h2>How good its prices are</h2>
<div class="figures">${pricesPlot(stones)}${errorsPlot(stones)}</div>
<h2>The figures</h2>
<p class="note">All on the test stones, priced by the very file that is published.</p>
${metricsTable(metrics)}
${comparison(input)}
<h2>How it works, and how it got here</h2>
<div class="figures">${importancePlot(model.importance)}${historyPlot(input.history, { name, version, mae: metrics.mae, createdAt: input.createdAt })}</div>
${data(input)}
${making(input)}
<footer>Made by Facet ${input.origin.facetVersion} on ${time(input.createdAt)}.</footer>`,
  );
}

function verdictBox({ model, decision: { verdict } }: ReportInput): Html {
  const { champion, promoted, reason } = verdict;
  const mine = promoted && champion?.name === model.name && champion.version === model.version;
  const others = promoted ? "became the champion" : "stays the champion";
  const outcome = mine
    ? "Became the champion: it answers when nobody asks for another model."
    : champion === null
      ? "Kept, but not serving: there is no champion."
      : `Kept, but not serving: ${formatVersion(champion)} ${others}.`;
  return html`<p class="verdict${mine ? " promoted" : ""}"><strong>${outcome}</strong><br>Reason: ${reason}.</p>`;
}

function tiles({ model: { metrics } }: ReportInput): Html {
  const tile = (name: string, figure: string, means: string) =>
    html`<div><dt>${name}</dt><dd class="figure">${figure}</dd><dd class="means">${means}</dd></div>`;
  return html`<dl class="tiles">
${tile("Mean error", dollars(metrics.mae), "how far a price is off on average, up or down")}
${tile("Middle error", percent(metrics.medianApe), "half of the stones are priced closer than this")}
${tile("Within 10 %", percent(metrics.within10), "of the stones are priced within a tenth of their real price")}
${tile("Explained", metrics.r2 === null ? "–" : percent(metrics.r2), "of the differences between prices (R²); 100 % would be all")}
</dl>`;
}

function comparison({ model, decision: { candidates: contenders, champion } }: ReportInput): Html {
  const title = html`<h2>Against the champion of the day</h2>`;
  const measured = contenders.find(({ name, version }) => name === model.name && version === model.version);
  if (champion === null || measured === undefined) {
    return html`${title}<p class="note">There was no champion to compare it with.</p>`;
  }
  return html`${title}
<p class="note">Both on the same ${count(champion.metrics.rows)} stones, which neither was trained on. A minus is an improvement.</p>
${comparisonTable(measured, champion)}`;
}

function data({ dataset, split }: ReportInput): Html {
  return html`<h2>What it learned from</h2>
<dl class="facts">
<dt>Dataset</dt><dd><code>${dataset.id}</code></dd>
<dt>Stones</dt><dd>${count(dataset.stones.length)}: ${count(split.train.length)} to learn from, ${count(split.test.length)} to test on</dd>
<dt>Rows rejected in this run</dt><dd>${rejections(dataset.rejected)}</dd>
</dl>
<br>${sourcesTable(dataset.sources)}`;
}

function making({ model, origin, seed, runSeconds, createdAt }: ReportInput): Html {
  const settings = Object.entries(model.hyperparameters).filter(([key]) => key !== "seed");
  return html`<h2>How it was made</h2>
<div class="columns">
<section><h3>Origin</h3><dl class="facts">
<dt>Trained</dt><dd>${time(createdAt)}</dd>
<dt>Run by</dt><dd>${link(origin.runBy)}</dd>
<dt>Duration</dt><dd>fitted in ${duration(model.fitSeconds)}, the run ${duration(runSeconds)} until publishing</dd>
<dt>Git commit</dt><dd>${origin.gitCommit === null ? "unknown" : html`<code>${origin.gitCommit}</code>`}</dd>
<dt>Facet version</dt><dd>${origin.facetVersion}</dd>
<dt>File</dt><dd>ONNX, ${size(model.bytes.length)}</dd>
<dt>SHA-256</dt><dd><code>${model.sha256}</code></dd>
</dl></section>
<section><h3>Settings</h3><dl class="facts">
<dt>seed</dt><dd>${seed}</dd>
${settings.map(([key, value]) => html`<dt>${settingName(key)}</dt><dd>${setting(value)}</dd>\n`)}
</dl></section>
</div>`;
}

/** An address of a run can be followed; anything else is text. */
function link(text: string): Html {
  if (!/^https:\/\/[^\s]+$/.test(text)) return html`${text}`;
  return html`<a href="${text}" rel="noopener noreferrer">${text}</a>`;
}
