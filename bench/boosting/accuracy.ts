/**
 * Compares the test error of the tree learner with that of real XGBoost on the same rows, at the notebook's
 * settings and over 10 random splits.
 *
 *   node bench/boosting/accuracy.ts
 */
import { join } from "node:path";
import { fitEnsemble, predictEnsemble, XGBOOST_DEFAULTS } from "../../training/boosting/index.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";
import {
  computeMean,
  computeMeanAbsoluteError,
  loadDiamonds,
  type PriceTable,
  selectRows,
  splitRandomly,
} from "./diamonds.ts";
import { readFloats, writeFloats } from "./float-file.ts";
import { hasXGBoost, XGBoost } from "./xgboost.ts";

/**
 * Test MAE of XGBoost 1.7.4 at these settings, US dollars: the mean of 10 random 80/20 splits of the same
 * stones.
 */
const XGBOOST_MAE_USD = 275.4;
const SPLITS = 10;

const withXGBoost = hasXGBoost();
if (!withXGBoost) console.log("python3-xgboost is not installed: measuring only Facet's learner\n");
const folder = createScratchFolder();
const diamonds = loadDiamonds();
const facetErrors: number[] = [];
const xgboostErrors: number[] = [];
for (let seed = 1; seed <= SPLITS; seed++) {
  const rows = splitRandomly(diamonds.price.length, seed);
  const [train, test] = [selectRows(diamonds, rows.train), selectRows(diamonds, rows.test)];
  const ensemble = await fitEnsemble(train.x, train.y, XGBOOST_DEFAULTS);
  facetErrors.push(computeMeanAbsoluteError(predictEnsemble(ensemble, test.x), test.y));
  if (withXGBoost)
    xgboostErrors.push(computeMeanAbsoluteError(await predictWithXGBoost(train, test), test.y));
}
const facetMae = computeMean(facetErrors);
const difference = (facetMae / XGBOOST_MAE_USD - 1) * 100;
console.log(`Test MAE in dollars at the notebook's settings, mean of ${SPLITS} random 80/20 splits`);
console.log(`Facet ${facetMae.toFixed(2)}, ${difference.toFixed(2)} % from the reference ${XGBOOST_MAE_USD}`);
if (withXGBoost) console.log(`XGBoost on the same rows ${computeMean(xgboostErrors).toFixed(2)}`);

async function predictWithXGBoost(train: PriceTable, test: PriceTable): Promise<Float32Array> {
  const [trainFile, testFile, predictionFile] = ["train.bin", "test.bin", "predictions.bin"].map((name) =>
    join(folder, name),
  ) as [string, string, string];
  writeFloats(trainFile, [...train.x.columns, train.y]);
  writeFloats(testFile, test.x.columns);
  const xgboost = await XGBoost.start(train.x.rows, trainFile);
  await xgboost.fit(2);
  await xgboost.predict(test.x.rows, testFile, predictionFile);
  xgboost.stop();
  return readFloats(predictionFile);
}
