/** A table of features, column-major: `columns[f][row]`, NaN where a value is missing. */
export interface Matrix {
  readonly rows: number;
  readonly columns: readonly Float32Array[];
}

/** @throws RangeError where a column's length is not the number of rows. */
export function checkMatrix(x: Matrix): void {
  x.columns.forEach((column, feature) => {
    if (column.length !== x.rows) {
      throw new RangeError(`feature ${feature} has ${column.length} values, the matrix has ${x.rows} rows`);
    }
  });
}
