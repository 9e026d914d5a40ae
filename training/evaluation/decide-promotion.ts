import { UserError } from "../../cloudflare/user-error.ts";
import { formatVersion } from "../../src/domain/models/model-reference.ts";
import { isTestStone } from "../../src/domain/split.ts";
import type { DatasetStone } from "../data/dataset-stone.ts";
import type { VersionedModel } from "../models/trained-model.ts";
import { predictPrices } from "../onnx/predict-prices.ts";
import type { Champion } from "../registry/champion.ts";
import { computeMetrics } from "./metrics.ts";
import { type Candidate, judgeCandidates, type PromotionMode, type Verdict } from "./promotion-policy.ts";

/** The verdict and the metrics that it is based on. */
export interface PromotionDecision {
  readonly verdict: Verdict;
  readonly candidates: readonly Candidate[];
  /** Null if there is no champion, or if its file cannot be read. */
  readonly champion: Candidate | null;
}

/**
 * Compares the models of a run with the champion and judges them. All are measured on the stones that are
 * test stones of this run and of the champion's run.
 * @throws UserError if there is no such stone
 */
export async function decidePromotion(
  mode: PromotionMode,
  champion: Champion | null,
  models: readonly VersionedModel[],
  testStones: readonly DatasetStone[],
): Promise<PromotionDecision> {
  if (champion === null) return decideWithoutChampion(mode, models);
  const { model: record, bytes } = champion;
  if (bytes === null) {
    // The Worker cannot serve this champion either. Every new model is better.
    const { verdict, ...decision } = decideWithoutChampion(mode, models);
    return {
      ...decision,
      verdict: {
        ...verdict,
        champion: verdict.champion ?? { name: record.name, version: record.version },
        reason: `the file of ${formatVersion(record)} cannot be read; ${verdict.reason}`,
      },
    };
  }
  const rows = testStones.flatMap((stone, row) => (isTestStone(stone.splitKey, record.seed) ? [row] : []));
  if (rows.length === 0) {
    throw new UserError("the test stones of this run and of the champion have no stone in common");
  }
  const stones = rows.map((row) => testStones[row]!);
  const measuredChampion: Candidate = {
    name: record.name,
    version: record.version,
    metrics: computeMetrics(stones, await predictPrices(bytes, stones)),
  };
  const candidates = models.map((model) => ({
    name: model.name,
    version: model.version,
    metrics: computeMetrics(
      stones,
      Float32Array.from(rows, (row) => model.prices[row]!),
    ),
  }));
  return {
    verdict: judgeCandidates(candidates, measuredChampion, mode),
    candidates,
    champion: measuredChampion,
  };
}

/** Judges the models by their metrics on all test stones of the run. */
function decideWithoutChampion(mode: PromotionMode, models: readonly VersionedModel[]): PromotionDecision {
  const candidates = models.map(({ name, version, metrics }) => ({ name, version, metrics }));
  return { verdict: judgeCandidates(candidates, null, mode), candidates, champion: null };
}
