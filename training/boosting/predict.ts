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
  const cells = toRowMajor(x);
  for (const tree of ensemble.trees) addTree(tree, cells, x.columns.length, sums);
  return sums;
}

/** The cells of one row are next to each other, because a tree reads several features of a row. */
function toRowMajor({ rows, columns }: Matrix): Float32Array {
  const width = columns.length;
  const cells = new Float32Array(rows * width);
  for (let feature = 0; feature < width; feature++) {
    const column = columns[feature]!;
    for (let row = 0; row < rows; row++) cells[row * width + feature] = column[row]!;
  }
  return cells;
}

/** Adds the value of each row's leaf to `sums`. `cells` has `width` features for each row. */
function addTree(tree: Tree, cells: Float32Array, width: number, sums: Float32Array): void {
  const { feature, threshold, left, right, defaultLeft, value } = tree;
  for (let row = 0, start = 0; row < sums.length; row++, start += width) {
    let node = 0;
    for (let child = left[0]!; child >= 0; child = left[node]!) {
      const cell = cells[start + feature[node]!]!;
      const limit = threshold[node]!;
      // NaN compares false with everything, so a missing value reaches the last branch.
      if (cell < limit) node = child;
      else if (cell >= limit) node = right[node]!;
      else node = defaultLeft[node] ? child : right[node]!;
    }
    sums[row]! += value[node]!;
  }
}
