/**
 * Compares imported XGBoost models with XGBoost's own predictions, over the whole dataset at the notebook's
 * settings (100 trees of depth 6). A tenth of the measurements is missing.
 *
 *   node bench/boosting/xgboost-import.ts [python ...]
 *
 * Each python must have xgboost and pandas. Default: Debian's python3-xgboost, version 1.7.4. For a newer
 * version, name the python of a virtual environment.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, extname, join } from "node:path";
import Table from "cli-table3";
import { comparePredictions, readPredictions } from "../../test/training/xgboost/compare-predictions.ts";
import { hasXGBoost, PYTHON } from "./xgboost.ts";

const MAX_RELATIVE_DIFFERENCE = 1e-5;
const CSV_FILE = "node_modules/@observablehq/sample-datasets/diamonds.csv";

const pythons = process.argv.slice(2);
if (pythons.length === 0 && !hasXGBoost()) {
  console.log("python3-xgboost is not installed: nothing to compare with");
  process.exit(0);
}
const table = new Table({
  head: ["XGBoost", "model", "rows", "largest difference", "identical to the bit", "ONNX bytes"],
  colAligns: ["left", "left", "right", "right", "right", "right"],
  style: { head: [], border: [] },
  chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
});
let largest = 0;
for (const python of pythons.length > 0 ? pythons : [PYTHON]) {
  const folder = mkdtempSync(join(tmpdir(), "facet-xgboost-"));
  try {
    const version = execFileSync(python, ["-c", "import xgboost; print(xgboost.__version__)"])
      .toString()
      .trim();
    const script = ["-W", "ignore", "test/fixtures/xgboost-import/make.py", CSV_FILE, folder, "--both"];
    execFileSync(python, script, { stdio: ["ignore", "ignore", "inherit"] });
    const predictions = readPredictions(folder);
    for (const name of readdirSync(folder).filter((file) => /\.(json|ubj)$/.test(file))) {
      const variant = basename(name, extname(name));
      const comparison = await comparePredictions(
        readFileSync(join(folder, name)),
        variant,
        version,
        predictions,
      );
      const { rows, maxDifference, identical, bytes } = comparison;
      // This form also keeps NaN.
      if (!(maxDifference <= largest)) largest = maxDifference;
      const identicalPercent = `${((100 * identical) / rows).toFixed(1)} %`;
      table.push([version, name, rows, maxDifference.toExponential(1), identicalPercent, bytes]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
console.log(table.toString());
console.log(
  `largest relative difference: ${largest.toExponential(1)} (at most ${MAX_RELATIVE_DIFFERENCE.toExponential(0)})`,
);
if (!(largest < MAX_RELATIVE_DIFFERENCE)) process.exitCode = 1;
