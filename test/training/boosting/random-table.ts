import type { Matrix } from "../../../training/boosting/index.ts";
import { createRandom } from "../../support/random.ts";

/**
 * Creates a small random table. The target depends on the first two features and on noise. The same seed
 * gives the same table.
 * @param levels number of distinct values of a feature
 * @param missing fraction of missing values
 */
export function createRandomTable(
  rows: number,
  features: number,
  { seed = 1, levels = 20, missing = 0 }: { seed?: number; levels?: number; missing?: number } = {},
): { x: Matrix; y: Float32Array } {
  const random = createRandom(seed);
  const columns = Array.from({ length: features }, () =>
    Float32Array.from({ length: rows }, () =>
      random() < missing ? Number.NaN : Math.floor(random() * levels) / 4,
    ),
  );
  const y = Float32Array.from({ length: rows }, (_, row) => {
    const [a = 0, b = 0] = columns.map((column) => (Number.isNaN(column[row]!) ? 1.3 : column[row]!));
    return 10 * a + a * b + 5 * random();
  });
  return { x: { rows, columns }, y };
}
