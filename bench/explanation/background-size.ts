/**
 * Measures the error of explanations by the number of background stones, and the time of one explanation. The
 * error is the difference from an explanation with 3,000 background stones, in percent of the price. Prints
 * means over ten backgrounds of each size and 40 test stones.
 *
 *   npm run bench -- background
 */
import Table from "cli-table3";
import { attributePrice, type Background, buildCoalitions } from "../../src/domain/prediction/explanation.ts";
import { isTestStone } from "../../src/domain/split.ts";
import { median } from "../../src/lib/statistics.ts";
import { createFitBuilder } from "../../training/builders/fit.ts";
import { readDataset } from "../../training/data/dataset.ts";
import { createEmbeddedSource } from "../../training/data/source.ts";
import { selectBackground } from "../../training/evaluation/select-background.ts";
import { computeTrainingStatistics } from "../../training/evaluation/training-statistics.ts";
import { gradientBoosting } from "../../training/models/gradient-boosting.ts";
import { logLinear } from "../../training/models/log-linear.ts";
import { type LoadedModel, loadModel } from "../../training/onnx/runtime.ts";

const SEED = 42;
const SIZES = [8, 16, 24, 32, 48, 64, 128];
const REFERENCE_SIZE = 3000;
const BACKGROUNDS = 10;
const STONES = 40;

const { stones } = await readDataset([createEmbeddedSource()]);
const train = stones.filter((stone) => !isTestStone(stone.splitKey, SEED));
const test = stones.filter((stone) => isTestStone(stone.splitKey, SEED));
const explained = Array.from(
  { length: STONES },
  (_, i) => test[Math.floor(((i + 0.5) * test.length) / STONES)]!,
);
const { plausibility } = computeTrainingStatistics(train, SEED);

for (const priceModel of [gradientBoosting, logLinear]) {
  const { bytes } = await createFitBuilder(priceModel).build({ train, test }, { seed: SEED });
  const model = await loadModel(bytes);
  const reference = await explainAll(model, selectBackground(train, plausibility, SEED, REFERENCE_SIZE));
  const table = new Table({
    head: ["stones", "mean error, %", "largest, %", "one run, ms"],
    style: { head: [] },
  });
  for (const size of SIZES) {
    const errors: number[] = [];
    const times: number[] = [];
    for (let seed = 1; seed <= BACKGROUNDS; seed++) {
      const results = await explainAll(model, selectBackground(train, plausibility, seed, size));
      for (const [i, { effects, ms }] of results.entries()) {
        times.push(ms);
        for (const [k, effect] of effects.entries())
          errors.push(Math.abs(effect - reference[i]!.effects[k]!));
      }
    }
    const mean = errors.reduce((sum, error) => sum + error, 0) / errors.length;
    const largest = errors.reduce((a, b) => Math.max(a, b));
    table.push([size, (100 * mean).toFixed(2), (100 * largest).toFixed(1), median(times).toFixed(1)]);
  }
  console.log(`${priceModel.name}\n${table.toString()}`);
  await model.release();
}

async function explainAll(model: LoadedModel, background: Background) {
  const results: { effects: readonly number[]; ms: number }[] = [];
  for (const stone of explained) {
    const startedAt = performance.now();
    const { price } = await model.run(buildCoalitions(stone, background));
    const attribution = price && attributePrice(price.data);
    if (!attribution) throw new Error(`no explanation for ${JSON.stringify(stone)}`);
    results.push({ effects: attribution.effects, ms: performance.now() - startedAt });
  }
  return results;
}
