/** A table of features, column-major: `columns[feature][row]`. A missing value is NaN. */
export interface Matrix {
  readonly rows: number;
  readonly columns: readonly Float32Array[];
}

/** @throws RangeError if the length of a column is not the number of rows */
export function checkMatrix(x: Matrix): void {
  x.columns.forEach((column, feature) => {
    if (column.length !== x.rows) {
      throw new RangeError(
        `feature ${feature} has ${column.length} values, but the matrix has ${x.rows} rows`,
      );
    }
  });
}
