import { UserError } from "../../cloudflare/user-error.ts";
import { formatVersion } from "../../src/domain/model-selector.ts";
import { isTestStone } from "../../src/domain/split.ts";
import type { VersionedModel } from "../builders/model-builder.ts";
import type { DatasetStone } from "../data/dataset.ts";
import { predictPrices } from "../onnx/predict-prices.ts";
import type { Champion } from "../registry/champion.ts";
import { evaluateStones } from "./evaluate.ts";
import { type Candidate, judgeCandidates, type Promotion, type Verdict } from "./promotion-policy.ts";

/** The verdict and the measurements behind it. */
export interface Decision {
  readonly verdict: Verdict;
  readonly candidates: readonly Candidate[];
  readonly champion: Candidate | null;
}

/** Measures this run's models and the champion on the stones that none of them was trained on, and judges. */
export async function decide(
  promotion: Promotion,
  champion: Champion | null,
  models: readonly VersionedModel[],
  test: readonly DatasetStone[],
): Promise<Decision> {
  const everywhere = models.map(({ name, version, metrics }) => ({ name, version, metrics }));
  if (champion === null)
    return { verdict: judgeCandidates(everywhere, null, promotion), candidates: everywhere, champion: null };
  const { model: record, bytes } = champion;
  if (bytes === null) {
    // A champion whose file is gone or damaged serves nobody: whatever is trained now is better.
    const verdict = judgeCandidates(everywhere, null, promotion);
    const reason = `the file of ${formatVersion(record)} cannot be read; ${verdict.reason}`;
    const stays = { name: record.name, version: record.version };
    return {
      verdict: { ...verdict, champion: verdict.champion ?? stays, reason },
      candidates: everywhere,
      champion: null,
    };
  }
  const rows = test.flatMap((stone, row) => (isTestStone(stone.splitKey, record.seed) ? [row] : []));
  if (rows.length === 0) {
    throw new UserError("no test stone is unknown to both this run's models and the champion");
  }
  const stones = rows.map((row) => test[row]!);
  const rescored: Candidate = {
    name: record.name,
    version: record.version,
    metrics: evaluateStones(stones, await predictPrices(bytes, stones)),
  };
  const contenders = models.map((model) => ({
    name: model.name,
    version: model.version,
    metrics: evaluateStones(
      stones,
      Float32Array.from(rows, (row) => model.prices[row]!),
    ),
  }));
  return {
    verdict: judgeCandidates(contenders, rescored, promotion),
    candidates: contenders,
    champion: rescored,
  };
}
