import type { Ensemble, Tree } from "./ensemble.ts";
import { checkMatrix, type Matrix } from "./matrix.ts";

/**
 * Predicts each row, in the target's units. The sum is float32. It starts with the base score and adds one
 * tree after another, as XGBoost and the exported ONNX graph do.
 * @throws RangeError if the matrix does not have the ensemble's number of features
 */
export function predictEnsemble(ensemble: Ensemble, x: Matrix): Float32Array {
  checkMatrix(x);
  if (x.columns.length !== ensemble.featureCount) {
    throw new RangeError(
      `the matrix has ${x.columns.length} features, but the ensemble has ${ensemble.featureCount}`,
    );
  }
  const sums = new Float32Array(x.rows).fill(ensemble.baseScore);
  for (const tree of ensemble.trees) addTree(tree, x, sums);
  return sums;
}

/** Adds the value of each row's leaf to `sums`. */
function addTree(tree: Tree, x: Matrix, sums: Float32Array): void {
  const { feature, threshold, left, right, defaultLeft, value } = tree;
  const { columns } = x;
  for (let row = 0; row < x.rows; row++) {
    let node = 0;
    for (let child = left[0]!; child >= 0; child = left[node]!) {
      const cell = columns[feature[node]!]![row]!;
      // NaN compares false with everything, so a missing value reaches the last branch.
      if (cell < threshold[node]!) node = child;
      else if (cell >= threshold[node]!) node = right[node]!;
      else node = defaultLeft[node] ? child : right[node]!;
    }
    sums[row]! += value[node]!;
  }
}
