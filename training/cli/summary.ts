import Table from "cli-table3";
import type { ModelReference } from "../../src/domain/model-record.ts";
import { formatVersion } from "../../src/domain/model-selector.ts";
import type { Dataset } from "../data/dataset.ts";
import { compareMetrics } from "../evaluation/comparison.ts";
import { dollars } from "../evaluation/promotion-policy.ts";
import type { TrainingRun } from "../pipeline.ts";

const OLD_VERSIONS = 5;
const SHOWN_ROWS = 2;

const HEAD = ["model", "test MAE", "R2", "MAPE", "within 10 %", "size", "fit", ""];

/** The models of a run and some older ones, how the best one was judged, who is champion, and why. */
export function summaryTable(run: TrainingRun): string {
  const draw = (head: readonly string[], rows: readonly string[][]) => {
    const table = new Table({ head: [...head], style: { head: [], border: [] } });
    table.push(...rows);
    return table.toString();
  };
  const judged = judgement(run);
  const decision = judged ? `\n${judged.title}\n${draw(judged.head, judged.rows)}` : "";
  return `${notTaken(run.dataset)}${draw(HEAD, tableRows(run))}${decision}\n${outcome(run)}`;
}

/** The same as Markdown, for the summary of a CI job. */
export function summaryMarkdown(run: TrainingRun): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const draw = (head: readonly string[], rows: readonly string[][]) =>
    [line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n");
  const count = run.dataset.stones.length.toLocaleString("en-US");
  const judged = judgement(run);
  const decision = judged ? `${judged.title}\n\n${draw(judged.head, judged.rows)}\n\n` : "";
  return `### Facet training: ${count} stones\n\n${draw(HEAD, tableRows(run))}\n\n${decision}${outcome(run)}\n`;
}

/** The first rows that were rejected, for people to look up; nothing where none were. */
function notTaken({ examples, rejected }: Dataset): string {
  const total = Object.values(rejected).reduce((sum, count) => sum + count, 0);
  const shown = examples.slice(0, SHOWN_ROWS);
  const more = total > shown.length ? [`and ${total - shown.length} more`] : [];
  return total === 0 ? "" : `not taken: ${[...shown, ...more].join("; ")}\n`;
}

function outcome({ outcome: { champion, reason } }: TrainingRun): string {
  return `champion: ${champion ? formatVersion(champion) : "none"} (${reason})`;
}

/** The best of the run beside the champion, which the decision rests on; null where there was none to compare. */
function judgement({ decision }: TrainingRun) {
  if (!decision?.champion) return null;
  const { champion, candidates: contenders, verdict } = decision;
  const name = formatVersion(verdict.candidate);
  const challenger = contenders.find((one) => formatVersion(one) === name);
  if (challenger === undefined) return null;
  return {
    title: `${name} against the champion, test MAE on the same stones, which neither was trained on`,
    head: ["carat", "stones", formatVersion(champion), name, "change"],
    rows: compareMetrics(challenger.metrics, champion.metrics).map((row) => [
      row.name,
      row.rows.toLocaleString("en-US"),
      row.championMae === null ? "" : dollars(row.championMae),
      dollars(row.mae),
      row.change === null ? "" : `${row.change > 0 ? "+" : ""}${percent(row.change)}`,
    ]),
  };
}

function tableRows({ models, registry, outcome: { champion } }: TrainingRun): string[][] {
  const mark = (model: ModelReference) =>
    champion !== null && formatVersion(champion) === formatVersion(model) ? "champion" : "";
  const fresh = new Set(models.map(formatVersion));
  const older = registry.models.filter((model) => !fresh.has(formatVersion(model)));
  return [
    ...models.map((model) => [
      formatVersion(model),
      dollars(model.metrics.mae),
      model.metrics.r2?.toFixed(4) ?? "",
      percent(model.metrics.mape),
      percent(model.metrics.within10),
      `${Math.round(model.bytes.length / 1024)} KiB`,
      `${model.fitSeconds.toFixed(1)} s`,
      mark(model),
    ]),
    ...older
      .filter((model, i) => i < OLD_VERSIONS || mark(model) !== "")
      .map((model) => [
        formatVersion(model),
        dollars(model.mae),
        ...["", "", "", ""],
        model.createdAt.slice(0, 10),
        mark(model),
      ]),
  ];
}

/** The run's result for other programs. */
export function resultJson({ dataset, models, outcome }: TrainingRun): string {
  const result = {
    dataset: { id: dataset.id, rows: dataset.stones.length, rejected: dataset.rejected },
    models: models.map(({ name, version, metrics, fitSeconds, bytes, sha256 }) => ({
      name,
      version,
      metrics,
      fitSeconds,
      bytes: bytes.length,
      sha256,
    })),
    decision: outcome,
  };
  return `${JSON.stringify(result, null, 2)}\n`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
