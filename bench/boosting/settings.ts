/**
 * Measures the test error of gradient-boosting, at its own features and settings, over 10 random splits.
 *
 *   node bench/boosting/settings.ts
 */
import { computeFeatures } from "../../training/builders/fit.ts";
import { assignIds } from "../../training/data/dataset-stone.ts";
import { fitCompletion } from "../../training/models/completion.ts";
import { gradientBoosting } from "../../training/models/gradient-boosting.ts";
import {
  computeMean,
  computeMeanAbsoluteError,
  readStones,
  selectValues,
  splitRandomly,
} from "./diamonds.ts";

const SPLITS = 10;
const SEED = 1;

const stones = assignIds(readStones());
const prices = Float32Array.from(stones, (stone) => stone.price);
// No stone has a missing measurement, so the constants of the completion do not affect the features.
const features = await computeFeatures(gradientBoosting, fitCompletion(stones), stones);
const errors: number[] = [];
for (let split = 1; split <= SPLITS; split++) {
  const { train, test } = splitRandomly(stones.length, split);
  const select = (rows: Int32Array) => ({
    features: { rows: rows.length, columns: features.columns.map((column) => selectValues(column, rows)) },
    prices: selectValues(prices, rows),
  });
  const [trainingData, testData] = [select(train), select(test)];
  const start = performance.now();
  const model = await gradientBoosting.fit(trainingData, { seed: SEED });
  const seconds = (performance.now() - start) / 1000;
  const error = computeMeanAbsoluteError(model.predict(testData.features), testData.prices);
  errors.push(error);
  console.log(`split ${split}: test MAE $${error.toFixed(2)}, fit ${seconds.toFixed(1)} s`);
}
const mean = computeMean(errors);
const standardDeviation = Math.sqrt(computeMean(errors.map((error) => (error - mean) ** 2)));
console.log(
  `gradient-boosting: test MAE $${mean.toFixed(2)} ± ${standardDeviation.toFixed(2)} over ${SPLITS} splits`,
);
