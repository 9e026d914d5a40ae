/**
 * Imported XGBoost models against XGBoost's own predictions, over the whole dataset at the notebook's
 * settings (100 trees of depth 6), a tenth of the measurements missing.
 *
 *     node bench/xgboost-import.ts [python ...]
 *
 * Each python must have xgboost and pandas. Left out: Debian's python3-xgboost, which is 1.7.4; a virtual
 * environment has the newest.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, extname, join } from "node:path";
import Table from "cli-table3";
import { compare, readPredictions } from "../../test/training/xgboost/comparison.ts";
import { hasXGBoost, PYTHON } from "./xgboost.ts";

const LIMIT = 1e-5;
const DATA = "node_modules/@observablehq/sample-datasets/diamonds.csv";

const pythons = process.argv.slice(2);
if (pythons.length === 0 && !hasXGBoost()) {
  console.log("python3-xgboost is not installed: nothing to compare with");
  process.exit(0);
}
const table = new Table({
  head: ["XGBoost", "model", "rows", "largest difference", "to the bit", "ONNX bytes"],
  colAligns: ["left", "left", "right", "right", "right", "right"],
  style: { head: [], border: [] },
  chars: { mid: "", "left-mid": "", "mid-mid": "", "right-mid": "" },
});
let worst = 0;
for (const python of pythons.length > 0 ? pythons : [PYTHON]) {
  const folder = mkdtempSync(join(tmpdir(), "facet-xgboost-"));
  try {
    const version = execFileSync(python, ["-c", "import xgboost; print(xgboost.__version__)"])
      .toString()
      .trim();
    const script = ["-W", "ignore", "test/fixtures/xgboost-import/make.py", DATA, folder, "--both"];
    execFileSync(python, script, { stdio: ["ignore", "ignore", "inherit"] });
    const predictions = readPredictions(folder);
    for (const name of readdirSync(folder).filter((file) => /\.(json|ubj)$/.test(file))) {
      const variant = basename(name, extname(name));
      const figures = await compare(readFileSync(join(folder, name)), variant, version, predictions);
      const { rows, largest, identical, bytes } = figures;
      if (!(largest <= worst)) worst = largest;
      const share = `${((100 * identical) / rows).toFixed(1)} %`;
      table.push([version, name, rows, largest.toExponential(1), share, bytes]);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
console.log(table.toString());
console.log(`largest relative difference: ${worst.toExponential(1)} (at most ${LIMIT.toExponential(0)})`);
if (!(worst < LIMIT)) process.exitCode = 1;
