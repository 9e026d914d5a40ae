import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { InferInsertModel } from "drizzle-orm";
import { type StoredFile, sha256 } from "../../cloudflare/r2.ts";
import type { models } from "../../src/db/registry/schema.ts";
import type { Decision, Metrics } from "../../src/domain/models/model-record.ts";
import { formatVersion, type ModelReference } from "../../src/domain/models/model-reference.ts";
import type { Dataset } from "../data/dataset.ts";
import type { Split } from "../data/split.ts";
import { compareMetrics } from "../evaluation/compare-metrics.ts";
import type { PriceComparison } from "../evaluation/compare-prices.ts";
import type { PromotionDecision } from "../evaluation/decide-promotion.ts";
import { buildHistograms } from "../evaluation/histograms.ts";
import type { VersionedModel } from "../models/trained-model.ts";
import type { Provenance } from "../registry/provenance.ts";
import type { Registry } from "../registry/read-registry.ts";
import { renderModelCard } from "../report/model-card.ts";

/** The row of a model version. Its dataset number is known only when the publication is written. */
type ModelRow = Omit<InferInsertModel<typeof models>, "dataset">;

/** Everything that a run writes to the registry. */
export interface Publication {
  readonly dataset: Dataset;
  readonly models: readonly { readonly row: ModelRow; readonly files: readonly StoredFile[] }[];
  /** The move of the champion alias; null if it stays. */
  readonly promotion: { readonly to: ModelReference; readonly reason: string; readonly actor: string } | null;
}

/** A run after its decision. */
export interface JudgedRun {
  readonly dataset: Dataset;
  readonly split: Split;
  readonly models: readonly VersionedModel[];
  readonly decision: PromotionDecision;
  readonly provenance: Provenance;
  readonly seed: number;
  /** The registry before the run. */
  readonly registry: Registry;
  /** Start of the run, by `performance.now()`, milliseconds. */
  readonly startedAt: number;
}

/** Builds the rows and files of a run's models, and the move of the champion alias. */
export function preparePublication(run: JudgedRun): Publication {
  const { dataset, split, decision, provenance, seed } = run;
  const createdAt = new Date().toISOString();
  const runSeconds = (performance.now() - run.startedAt) / 1000;
  const history = [
    ...run.registry.models,
    ...run.models.map(({ name, version, metrics }) => ({ name, version, mae: metrics.mae, createdAt })),
  ];
  const preparedModels = run.models.map((model, i) => {
    const input = { model, dataset, split, decision, provenance, seed, runSeconds, createdAt, history };
    const modelCard = Buffer.from(renderModelCard(input));
    const key = `models/${model.name}/${model.sha256}.onnx`;
    const report = `reports/${sha256(modelCard)}.html`;
    return {
      files: [
        { key, bytes: model.bytes, verify: true },
        { key: report, bytes: modelCard, verify: false },
      ],
      row: {
        name: model.name,
        version: model.version,
        key,
        sha256: model.sha256,
        bytes: model.bytes.length,
        ...model.memory,
        trainRows: split.train.length,
        testRows: split.test.length,
        rejected: dataset.rejected,
        seed,
        hyperparameters: model.hyperparameters,
        metrics: model.metrics,
        ranges: model.ranges,
        calibration: model.calibration,
        plausibility: model.plausibility,
        background: model.background,
        importance: model.importance,
        histograms: buildHistograms(split.train, model.prices),
        decision: buildDecisionRecord(model, i, decision),
        fitSeconds: model.fitSeconds,
        report,
        runSeconds,
        ...provenance,
        createdAt,
      },
    };
  });
  const { verdict } = decision;
  const winner = verdict.promoted ? verdict.champion : null;
  const promotion = winner && { to: winner, reason: verdict.reason, actor: provenance.runBy };
  return { dataset, models: preparedModels, promotion };
}

/** @param i position of the model among the candidates */
function buildDecisionRecord(model: ModelReference, i: number, decision: PromotionDecision): Decision {
  const { champion, verdict, candidates, priceComparisons, faults = [] } = decision;
  // The metrics on the stones that the champion was measured on too.
  const { metrics } = candidates[i]!;
  return {
    champion: champion && { name: champion.name, version: champion.version },
    rows: metrics.rows,
    mae: metrics.mae,
    championMae: champion?.metrics.mae ?? null,
    bands: champion ? compareBands(metrics, champion.metrics) : {},
    prices: summarizePrices(priceComparisons?.[i] ?? []),
    faults: verdict.promoted ? [] : [...faults],
    promoted:
      verdict.promoted &&
      verdict.champion !== null &&
      formatVersion(verdict.champion) === formatVersion(model),
    reason: verdict.reason,
  };
}

function compareBands(metrics: Metrics, championMetrics: Metrics): Decision["bands"] {
  // The first row compares all stones.
  const [, ...bands] = compareMetrics(metrics, championMetrics);
  return Object.fromEntries(
    bands.map(({ name, rows, mae, championMae }) => [name, { rows, mae, championMae }]),
  );
}

function summarizePrices([all, ...groups]: readonly PriceComparison[]): Decision["prices"] {
  // A model that was made elsewhere may have no price for a stone. JSON has no number for that.
  if (all === undefined || !Number.isFinite(all.medianRatio)) return null;
  const pick = ({ rows, medianRatio, mae, championMae }: PriceComparison) => ({
    rows,
    medianRatio,
    mae,
    championMae,
  });
  return { ...pick(all), groups: Object.fromEntries(groups.map((group) => [group.name, pick(group)])) };
}

/** Writes the model card of each model into a folder, as `<name>@<version>.html`. */
export async function writeModelCards(folder: string, publication: Publication): Promise<void> {
  await mkdir(folder, { recursive: true });
  for (const { row, files } of publication.models) {
    const modelCard = files.find(({ key }) => key === row.report);
    if (modelCard) await writeFile(join(folder, `${formatVersion(row)}.html`), modelCard.bytes);
  }
}
