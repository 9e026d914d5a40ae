import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { sha256 } from "../../cloudflare/r2.ts";
import type { Decision as DecisionRecord, Metrics } from "../../src/domain/model-record.ts";
import { formatVersion } from "../../src/domain/model-selector.ts";
import type { Split, VersionedModel } from "../builders/model-builder.ts";
import type { Dataset } from "../data/dataset.ts";
import { compareMetrics } from "../evaluation/comparison.ts";
import type { Decision } from "../evaluation/decide.ts";
import { buildHistograms } from "../evaluation/histograms.ts";
import type { Registry } from "../registry/read-registry.ts";
import { renderReport } from "../report/model-card.ts";
import type { Provenance } from "./provenance.ts";
import type { Publication } from "./publish.ts";

/** What a run hands to the registry: each model's row and files, and where the champion alias moves. */
export function preparePublication(run: {
  readonly dataset: Dataset;
  readonly split: Split;
  readonly models: readonly VersionedModel[];
  readonly decision: Decision;
  readonly origin: Provenance;
  readonly seed: number;
  /** The versions that are published already. */
  readonly history: Registry["models"];
  /** When the run started, by `performance.now()`. */
  readonly start: number;
}): Publication {
  const { dataset, split } = run;
  const createdAt = new Date().toISOString();
  const history = [
    ...run.history,
    ...run.models.map(({ name, version, metrics }) => ({ name, version, mae: metrics.mae, createdAt })),
  ];
  const { gitCommit, facetVersion, runBy } = run.origin;
  const { verdict, champion, candidates: contenders } = run.decision;
  const runSeconds = (performance.now() - run.start) / 1000;
  const winner = verdict.promoted ? verdict.champion : null;
  return {
    dataset,
    models: run.models.map((model, i) => {
      const measured = contenders[i]!.metrics;
      const key = `models/${model.name}/${model.sha256}.onnx`;
      const { decision, origin, seed } = run;
      const card = Buffer.from(
        renderReport({ model, dataset, split, decision, origin, seed, runSeconds, createdAt, history }),
      );
      const report = `reports/${sha256(card)}.html`;
      return {
        files: [
          { key, bytes: model.bytes, verify: true },
          { key: report, bytes: card, verify: false },
        ],
        row: {
          name: model.name,
          version: model.version,
          key,
          sha256: model.sha256,
          bytes: model.bytes.length,
          trainRows: split.train.length,
          testRows: split.test.length,
          rejected: dataset.rejected,
          seed: run.seed,
          hyperparameters: model.hyperparameters,
          metrics: model.metrics,
          ranges: model.ranges,
          importance: model.importance,
          histograms: buildHistograms(split.train, model.prices),
          decision: {
            champion: champion && { name: champion.name, version: champion.version },
            rows: measured.rows,
            mae: measured.mae,
            championMae: champion?.metrics.mae ?? null,
            bands: champion ? bandsOf(measured, champion.metrics) : {},
            promoted: winner?.name === model.name && winner.version === model.version,
            reason: verdict.reason,
          },
          fitSeconds: model.fitSeconds,
          report,
          runSeconds,
          runBy,
          gitCommit,
          facetVersion,
          createdAt,
        },
      };
    }),
    promotion: winner && { to: winner, reason: verdict.reason, actor: runBy },
  };
}

/** The comparison by carat band, as the record keeps it. */
function bandsOf(measured: Metrics, champion: Metrics): DecisionRecord["bands"] {
  const [, ...bands] = compareMetrics(measured, champion);
  return Object.fromEntries(
    bands.map(({ name, rows, mae, championMae }) => [name, { rows, mae, championMae }]),
  );
}

/** Writes each model's report into a folder, named after its version. */
export async function writeReports(folder: string, publication: Publication): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { row, files } of publication.models) {
    const report = files.find(({ key }) => key === row.report);
    if (report) await writeFile(join(folder, `${formatVersion(row)}.html`), report.bytes);
  }
}
