import { UserError } from "../../cloudflare/user-error.ts";
import { formatVersion } from "../../src/domain/models/model-reference.ts";
import { isTestStone } from "../../src/domain/split.ts";
import type { DatasetStone } from "../data/dataset-stone.ts";
import type { Split } from "../data/split.ts";
import type { VersionedModel } from "../models/trained-model.ts";
import { predictPrices } from "../onnx/predict-prices.ts";
import type { Champion } from "../registry/champion.ts";
import { comparePrices, findPriceFaults, type PriceComparison } from "./compare-prices.ts";
import {
  type CoverageGap,
  describeCoverage,
  findCoverageGaps,
  findNewGroups,
  selectCovered,
} from "./coverage.ts";
import { computeMetrics } from "./metrics.ts";
import { type Candidate, judgeCandidates, type PromotionMode, type Verdict } from "./promotion-policy.ts";

/** The verdict and the metrics that it is based on. */
export interface PromotionDecision {
  readonly verdict: Verdict;
  readonly candidates: readonly Candidate[];
  /** Null if there is no champion, or if its file cannot be read. */
  readonly champion: Candidate | null;
  /**
   * For each candidate, its prices against the champion's on the champion's test stones. Missing if there is no
   * champion; an empty list if there is no such stone.
   */
  readonly priceComparisons?: readonly (readonly PriceComparison[])[];
  /** Why later runs must not start from the stones of this run, unless it is promoted all the same. */
  readonly faults?: readonly string[];
  /** What a reader of the decision must know, a sentence each. */
  readonly notes?: readonly string[];
}

const UNUSED_STONES =
  "later runs do not start from the stones of this run: if they are right, run it again with --promote force, or " +
  "with --accept-coverage if only the coverage is smaller";

/** The stones that the candidates and the champion were trained and tested on. */
export interface PromotionStones {
  /** Training stones of the run. */
  readonly training: readonly DatasetStone[];
  readonly seed: number;
  /** Null if they cannot be read. */
  readonly champion: Split | null;
  /** Promote a candidate that covers less than the champion. */
  readonly acceptCoverage: boolean;
  /** The models were made elsewhere, so their prices say nothing about the stones of the run. */
  readonly isImport: boolean;
}

/**
 * Compares the models of a run with the champion and judges them. All are measured on the stones that are
 * test stones of this run and of the champion's run.
 * @param stones adds the checks of the coverage and of the prices on the champion's own test stones
 * @throws UserError if there is no such stone
 */
export async function decidePromotion(
  mode: PromotionMode,
  champion: Champion | null,
  models: readonly VersionedModel[],
  testStones: readonly DatasetStone[],
  stones?: PromotionStones,
): Promise<PromotionDecision> {
  if (champion === null) return decideWithoutChampion(mode, models, []);
  const { gaps, faults: coverageFaults, notes } = checkCoverage(champion, stones);
  const { model: record, bytes } = champion;
  if (bytes === null) {
    // The Worker cannot serve this champion either. Every new model that covers as much is better.
    const { verdict, ...decision } = decideWithoutChampion(mode, models, coverageFaults);
    return {
      ...decision,
      notes: [...notes, ...describeFaults(mode, coverageFaults, coverageFaults)],
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
  const commonStones = rows.map((row) => testStones[row]!);
  const championPrices = await predictPrices(bytes, commonStones);
  const measuredChampion: Candidate = {
    name: record.name,
    version: record.version,
    metrics: computeMetrics(commonStones, championPrices),
  };
  const knownStones = stones === undefined ? [] : selectKnownStones(stones);
  if (stones !== undefined && knownStones.length === 0)
    notes.push(`no test stone of ${formatVersion(record)} is left to compare new and old prices on`);
  const oldPrices = await priceStones(bytes, knownStones, commonStones, championPrices);
  const newGroups = stones?.champion ? findNewGroups(stones.training, stones.champion.train) : [];
  if (newGroups.length > 0)
    notes.push(
      `${formatVersion(record)} was trained on hardly any stones of ${newGroups.join(", ")}, so the errors on its test stones are not compared`,
    );
  const coveredStones = selectCovered(knownStones, gaps);
  const coveredIds = new Set(coveredStones.map(({ id }) => id));
  const pickPrices = (prices: Float32Array) =>
    prices.filter((_, row) => coveredIds.has(knownStones[row]!.id));
  const priceComparisons: PriceComparison[][] = [];
  const candidates: Candidate[] = [];
  for (const { name, version, bytes, prices } of models) {
    const newPrices = await priceStones(bytes, knownStones, testStones, prices);
    priceComparisons.push(comparePrices(knownStones, newPrices, oldPrices));
    // Where it is accepted that the run has no such stones, their prices say nothing.
    const judged = comparePrices(coveredStones, pickPrices(newPrices), pickPrices(oldPrices));
    candidates.push({
      name,
      version,
      metrics: computeMetrics(
        commonStones,
        Float32Array.from(rows, (row) => prices[row]!),
      ),
      faults: [...coverageFaults, ...findPriceFaults(judged, formatVersion(record), newGroups.length === 0)],
    });
  }
  const verdict = judgeCandidates(candidates, measuredChampion, mode);
  const judged = candidates.find((one) => formatVersion(one) === formatVersion(verdict.candidate));
  const allFaults = judged?.faults ?? [];
  const faults = stones?.isImport ? coverageFaults : allFaults;
  notes.push(...describeFaults(mode, allFaults, faults));
  return { verdict, candidates, champion: measuredChampion, priceComparisons, faults, notes };
}

/** Judges the models by their metrics on all test stones of the run. */
function decideWithoutChampion(
  mode: PromotionMode,
  models: readonly VersionedModel[],
  faults: readonly string[],
): PromotionDecision {
  const candidates = models.map(({ name, version, metrics }) => ({ name, version, metrics, faults }));
  return { verdict: judgeCandidates(candidates, null, mode), candidates, champion: null, faults };
}

/**
 * Describes the faults that the reason of the verdict does not name, and what follows from them.
 * @param stoneFaults those that are faults of the stones of the run
 */
function describeFaults(
  mode: PromotionMode,
  faults: readonly string[],
  stoneFaults: readonly string[],
): string[] {
  if (mode === "force") return faults.map((fault) => `--promote force, although ${fault}`);
  return [...(mode === "never" ? faults : []), ...(stoneFaults.length > 0 ? [UNUSED_STONES] : [])];
}

interface CoverageCheck {
  /** The gaps that were accepted by name. */
  readonly gaps: readonly CoverageGap[];
  readonly faults: readonly string[];
  readonly notes: string[];
}

/** Finds what the run covers less than the champion, unless it is accepted by name. */
function checkCoverage({ model }: Champion, stones: PromotionStones | undefined): CoverageCheck {
  if (stones === undefined) return { gaps: [], faults: [], notes: [] };
  const { champion, training, acceptCoverage } = stones;
  const name = formatVersion(model);
  const gaps = champion === null ? [] : findCoverageGaps(training, champion.train);
  if (champion !== null && gaps.length === 0) return { gaps, faults: [], notes: [] };
  const fault =
    champion === null
      ? `the stones of ${name} cannot be read, so its coverage is unknown`
      : describeCoverage(gaps, training.length, champion.train.length, name);
  return acceptCoverage
    ? { gaps, faults: [], notes: [`--accept-coverage: ${fault}`] }
    : { gaps: [], faults: [fault], notes: [] };
}

/** The champion's test stones that are no training stones of the run either, in its data or not. */
function selectKnownStones({ champion, seed }: PromotionStones): readonly DatasetStone[] {
  return champion?.test.filter(({ splitKey }) => isTestStone(splitKey, seed)) ?? [];
}

/**
 * Prices stones with a model.
 * @param pricedStones stones whose prices are known already
 */
async function priceStones(
  bytes: Uint8Array,
  stones: readonly DatasetStone[],
  pricedStones: readonly DatasetStone[],
  prices: Float32Array,
): Promise<Float32Array> {
  const priceById = new Map(pricedStones.map(({ id }, row) => [id, prices[row]!]));
  const missing = stones.filter(({ id }) => !priceById.has(id));
  const missingPrices = missing.length > 0 ? await predictPrices(bytes, missing) : [];
  for (const [row, { id }] of missing.entries()) priceById.set(id, missingPrices[row]!);
  return Float32Array.from(stones, ({ id }) => priceById.get(id)!);
}
