import type { Ensemble, Tree } from "./ensemble.ts";
import { checkMatrix, type Matrix } from "./matrix.ts";

/**
 * The ensemble's prediction of each row, in the target's units. Sums in float32, the base score first, then tree by
 * tree: XGBoost's order. ONNX Runtime adds the base score last, which differs by float32 rounding (about 1e-6).
 * @throws RangeError where the matrix has another number of features than the ensemble
 */
export function predictEnsemble(ensemble: Ensemble, x: Matrix): Float32Array {
  checkMatrix(x);
  if (x.columns.length !== ensemble.features) {
    throw new RangeError(`the ensemble has ${ensemble.features} features, the matrix ${x.columns.length}`);
  }
  const sums = new Float32Array(x.rows).fill(ensemble.baseScore);
  for (const tree of ensemble.trees) addTree(tree, x, sums);
  return sums;
}

/** Adds each row's leaf to its sum. */
export function addTree(tree: Tree, x: Matrix, sums: Float32Array): void {
  const { feature, threshold, left, right, defaultLeft, value } = tree;
  const { columns } = x;
  for (let row = 0; row < x.rows; row++) {
    let node = 0;
    for (let child = left[0]!; child >= 0; child = left[node]!) {
      const given = columns[feature[node]!]![row]!;
      // NaN compares false with everything, and so is missing as it falls through.
      if (given < threshold[node]!) node = child;
      else if (given >= threshold[node]!) node = right[node]!;
      else node = defaultLeft[node] ? child : right[node]!;
    }
    sums[row]! += value[node]!;
  }
}
