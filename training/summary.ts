import Table from "cli-table3";
import type { ModelReference } from "../src/domain/model-record.ts";
import { formatVersion } from "../src/domain/selector.ts";
import { dollars } from "./gate.ts";
import type { TrainingRun } from "./pipeline.ts";

const OLD_VERSIONS = 5;

const HEAD = ["model", "test MAE", "R2", "MAPE", "within 10 %", "size", "fit", ""];

/** The models of a run and some older ones, who is champion, and why. */
export function summaryTable(run: TrainingRun): string {
  const table = new Table({ head: HEAD, style: { head: [], border: [] } });
  table.push(...tableRows(run));
  return `${table.toString()}\n${outcome(run)}`;
}

/** The same as Markdown, for the summary of a CI job. */
export function summaryMarkdown(run: TrainingRun): string {
  const line = (cells: readonly string[]) => `| ${cells.join(" | ")} |`;
  const rule = line(HEAD.map(() => "---"));
  const count = run.dataset.stones.length.toLocaleString("en-US");
  return `### Facet training: ${count} stones\n\n${[line(HEAD), rule, ...tableRows(run).map(line)].join("\n")}\n\n${outcome(run)}\n`;
}

function outcome({ verdict }: TrainingRun): string {
  return `champion: ${verdict.champion ? formatVersion(verdict.champion) : "none"} (${verdict.reason})`;
}

function tableRows({ models, registry, verdict }: TrainingRun): string[][] {
  const mark = (model: ModelReference) =>
    verdict.champion !== null && formatVersion(verdict.champion) === formatVersion(model) ? "champion" : "";
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
export function resultJson({ dataset, models, verdict }: TrainingRun): string {
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
    decision: verdict,
  };
  return `${JSON.stringify(result, null, 2)}\n`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
