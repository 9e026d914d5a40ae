import Table from "cli-table3";
import { formatMegabytes } from "../../src/domain/models/model-memory.ts";
import { formatVersion, type ModelReference } from "../../src/domain/models/model-reference.ts";
import { DEFAULT_COVERAGE } from "../../src/domain/prediction/calibration.ts";
import { formatDollars } from "../../src/lib/format.ts";
import type { Dataset } from "../data/dataset.ts";
import { compareMetrics } from "../evaluation/compare-metrics.ts";
import { describePriceChange, type PriceComparison } from "../evaluation/compare-prices.ts";
import type { PromotionDecision } from "../evaluation/decide-promotion.ts";
import type { VersionedModel } from "../models/trained-model.ts";
import type { TrainingRun } from "../pipeline.ts";
import { formatCount, formatPercent } from "../report/format.ts";

/** Number of older versions in the table, in addition to the champion. */
const MAX_OLDER_VERSIONS = 5;
/** Number of rejected rows that are described. */
const MAX_REJECTED_EXAMPLES = 2;

interface SummaryTable {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

/**
 * Formats the rejected rows, the models, the comparison with the champion and the decision for a terminal.
 */
export function formatTable(run: TrainingRun): string {
  const draw = ({ head, rows }: SummaryTable) => {
    const table = new Table({ head: [...head], style: { head: [], border: [] } });
    table.push(...rows.map((row) => [...row]));
    return table.toString();
  };
  const comparison = buildComparisonTable(run);
  return [
    ...formatRejectedExamples(run.dataset),
    ...run.notes.map((note) => `note: ${note}`),
    draw(buildModelsTable(run)),
    ...(comparison ? [comparison.title, draw(comparison)] : []),
    ...formatPriceChange(run),
    formatOutcome(run),
  ].join("\n");
}

/** Formats the models, the comparison with the champion and the decision for the summary of a CI job. */
export function formatMarkdown(run: TrainingRun): string {
  const formatRow = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const draw = ({ head, rows }: SummaryTable) =>
    [formatRow(head), formatRow(head.map(() => "---")), ...rows.map(formatRow)].join("\n");
  const comparison = buildComparisonTable(run);
  const paragraphs = [
    `### Facet training: ${formatCount(run.dataset.stones.length)} stones`,
    ...(run.notes.length > 0 ? [run.notes.map((note) => `- ${note}`).join("\n")] : []),
    draw(buildModelsTable(run)),
    ...(comparison ? [comparison.title, draw(comparison)] : []),
    ...formatPriceChange(run),
    formatOutcome(run),
  ];
  return `${paragraphs.join("\n\n")}\n`;
}

/** Formats what an operator should act on as commands of GitHub Actions, which shows them as warnings of the run. */
export function formatAlerts({ alerts }: Pick<TrainingRun, "alerts">): string[] {
  return alerts.map((alert) => {
    const text = alert.replaceAll("%", "%25").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
    return `::warning title=Facet training::${text}`;
  });
}

/** Formats the result of the run for other programs. */
export function formatJson({ dataset, models, outcome, decision, notes }: TrainingRun): string {
  const result = {
    dataset: { id: dataset.id, rows: dataset.stones.length, rejected: dataset.rejected },
    models: models.map(({ name, version, metrics, fitSeconds, bytes, memory, sha256 }) => ({
      name,
      version,
      metrics,
      fitSeconds,
      bytes: bytes.length,
      ...memory,
      sha256,
    })),
    decision: outcome,
    priceComparison: findPriceComparison(decision),
    notes,
  };
  return `${JSON.stringify(result, null, 2)}\n`;
}

/** Formats a line with the first rejected rows; an empty list if no row was rejected. */
function formatRejectedExamples({ examples, rejected }: Dataset): string[] {
  const total = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  if (total === 0) return [];
  const shown = examples.slice(0, MAX_REJECTED_EXAMPLES);
  const rest = total > shown.length ? [`and ${total - shown.length} more`] : [];
  return [`rejected rows: ${[...shown, ...rest].join("; ")}`];
}

/** Formats a line with the median ratio of new to old prices; an empty list if there is none. */
function formatPriceChange({ decision }: TrainingRun): string[] {
  const change = describePriceChange(findPriceComparison(decision));
  if (!decision?.champion || change === null) return [];
  const { candidate } = decision.verdict;
  return [
    `prices of ${formatVersion(candidate)} divided by those of ${formatVersion(decision.champion)}, median: ${change}`,
  ];
}

/** The comparison of prices of the candidate that was judged; an empty list if there is none. */
function findPriceComparison(decision: PromotionDecision | null): readonly PriceComparison[] {
  const { candidates = [], verdict, priceComparisons = [] } = decision ?? {};
  const i = candidates.findIndex(
    (one) => formatVersion(one) === (verdict && formatVersion(verdict.candidate)),
  );
  return priceComparisons[i] ?? [];
}

function formatOutcome({ outcome: { champion, reason } }: TrainingRun): string {
  return `champion: ${champion ? formatVersion(champion) : "none"} (${reason})`;
}

/** Compares the best model of the run with the champion; null if there was no champion to compare with. */
function buildComparisonTable({ decision }: TrainingRun): (SummaryTable & { readonly title: string }) | null {
  if (!decision?.champion) return null;
  const { champion, candidates, verdict } = decision;
  const name = formatVersion(verdict.candidate);
  const candidate = candidates.find((one) => formatVersion(one) === name);
  if (candidate === undefined) return null;
  return {
    title: `${name} against the champion: test MAE on stones that neither was trained on`,
    head: ["carat", "stones", formatVersion(champion), name, "change"],
    rows: compareMetrics(candidate.metrics, champion.metrics).map((row) => [
      row.name,
      formatCount(row.rows),
      row.championMae === null ? "" : formatDollars(row.championMae),
      formatDollars(row.mae),
      row.change === null ? "" : `${row.change > 0 ? "+" : ""}${formatPercent(row.change)}`,
    ]),
  };
}

/** Lists the models of the run, then the champion and the newest of the other versions. */
function buildModelsTable({ models, registry, outcome: { champion } }: TrainingRun): SummaryTable {
  const markChampion = (model: ModelReference) =>
    champion !== null && formatVersion(champion) === formatVersion(model) ? "champion" : "";
  const newVersions = new Set(models.map(formatVersion));
  const olderModels = registry.models
    .filter((model) => !newVersions.has(formatVersion(model)))
    .filter((model, i) => i < MAX_OLDER_VERSIONS || markChampion(model) !== "");
  return {
    head: ["model", "test MAE", "R2", "MAPE", "within 10 %", "range of 90 %", "size", "memory", "fit", ""],
    rows: [
      ...models.map((model) => [
        formatVersion(model),
        formatDollars(model.metrics.mae),
        model.metrics.r2?.toFixed(4) ?? "",
        formatPercent(model.metrics.mape),
        formatPercent(model.metrics.within10),
        formatRange(model),
        `${Math.round(model.bytes.length / 1024)} KiB`,
        formatMegabytes(model.memory.memoryBytes),
        `${model.fitSeconds.toFixed(1)} s`,
        markChampion(model),
      ]),
      // Only the MAE is read from the registry. The date is in the column of the fit time.
      ...olderModels.map((model) => [
        formatVersion(model),
        formatDollars(model.mae),
        ...["", "", "", "", "", ""],
        model.createdAt.slice(0, 10),
        markChampion(model),
      ]),
    ],
  };
}

/** The median width of the ranges with the default coverage, and how many test prices were in theirs. */
function formatRange({ calibration }: VersionedModel): string {
  const figures = calibration?.withSize.test.coverages.find(({ coverage }) => coverage === DEFAULT_COVERAGE);
  if (figures === undefined) return "none";
  return `${formatPercent(figures.medianWidth)} wide, holds ${formatPercent(figures.measured)}`;
}
