import { expect, test } from "vitest";
import { binFeature, STRIDE } from "../../../training/boosting/bins.ts";
import { addHistogram, clearHistogram, histogramKernel } from "../../../training/boosting/histogram.ts";
import { gradientScale, packingFor } from "../../../training/boosting/packing.ts";
import { splitRows } from "../../../training/boosting/split-rows.ts";
import { generator, randomTable } from "./tables.ts";

const ROWS = 500;
const FEATURES = 3;

function binned() {
  const { x } = randomTable(ROWS, FEATURES, { levels: 30, missing: 0.1 });
  const cuts = {
    bounds: new Float32Array(STRIDE * FEATURES),
    bins: new Int32Array(FEATURES),
    below: new Float32Array(FEATURES),
    hasMissing: new Uint8Array(FEATURES),
  };
  const codes = x.columns.map((column, feature) => {
    const found = new Uint8Array(ROWS);
    binFeature(column, 256, found, feature, cuts);
    return found;
  });
  const byRow = Uint8Array.from(
    { length: ROWS * FEATURES },
    (_, at) => codes[at % FEATURES]![Math.floor(at / FEATURES)]!,
  );
  const random = generator(9);
  const packing = packingFor(ROWS, null);
  const gradients = Array.from({ length: ROWS }, () => random() * 100 - 50);
  const scale = gradientScale(
    packing,
    gradients.reduce((sum, gradient) => sum + Math.abs(gradient), 0),
  );
  const packed = Float64Array.from(
    gradients,
    (gradient) => Math.floor(gradient * scale + 0.5) * packing.shift + 1,
  );
  return { cuts, codes, byRow, packed, packing };
}

test("a histogram by subtraction is the one built from the rows, to the bit", () => {
  const { cuts, codes, byRow, packed } = binned();
  const range = {
    first: new Int16Array(FEATURES),
    last: Int16Array.from(cuts.bins, (bins) => bins - 1),
    offset: 0,
  };
  const columns = Int32Array.of(0, 1, 2);
  const build = (rows: Int32Array) => {
    const histogram = new Float64Array(STRIDE * FEATURES).fill(Number.NaN);
    clearHistogram(histogram, range, columns, cuts.hasMissing);
    histogramKernel(FEATURES, FEATURES)(rows, 0, rows.length, byRow, columns, packed, histogram);
    return histogram;
  };
  const rows = Int32Array.from({ length: ROWS }, (_, row) => row);
  const parent = build(rows);
  const middle = splitRows(rows, 0, ROWS, codes[1]!, { shift: 1, limit: 12 }, new Int32Array(ROWS));
  const left = build(rows.slice(0, middle));
  const right = build(rows.slice(middle));
  addHistogram(parent, left, -1, range, columns, cuts.hasMissing);
  expect(middle).toBeGreaterThan(100);
  expect(middle).toBeLessThan(400);
  expect(parent).toEqual(right);
});

test("the kernel of some columns is the kernel of all, there", () => {
  const { byRow, packed } = binned();
  const rows = Int32Array.from({ length: ROWS }, (_, row) => row);
  const all = new Float64Array(STRIDE * FEATURES);
  histogramKernel(FEATURES, FEATURES)(rows, 0, ROWS, byRow, Int32Array.of(0, 1, 2), packed, all);
  const some = new Float64Array(STRIDE * 2);
  histogramKernel(2, FEATURES)(rows, 0, ROWS, byRow, Int32Array.of(0, 2), packed, some);
  expect(some.slice(0, STRIDE)).toEqual(all.slice(0, STRIDE));
  expect(some.slice(STRIDE)).toEqual(all.slice(2 * STRIDE));
});

test("packed sums unpack to the gradient, the count and nothing else", () => {
  const { packed, packing } = binned();
  const sum = packed.reduce((total, value) => total + value, 0);
  const backwards = packed.reduceRight((total, value) => total + value, 0);
  expect(Object.is(sum, backwards)).toBe(true);
  expect(sum - Math.floor(sum / packing.shift) * packing.shift).toBe(ROWS);
});

test("rows part in their old order, missing ones by the shift", () => {
  const codes = Uint8Array.of(3, 255, 1, 2, 0, 255);
  const part = (shift: number, limit: number) => {
    const rows = Int32Array.of(0, 1, 2, 3, 4, 5);
    return [splitRows(rows, 0, 6, codes, { shift, limit }, new Int32Array(6)), ...rows];
  };
  expect(part(0, 2)).toEqual([2, 2, 4, 0, 1, 3, 5]);
  expect(part(1, 3)).toEqual([4, 1, 2, 4, 5, 0, 3]);
});

test("the kernel sums the same over rows that lie far apart in a large table", () => {
  const rows = Int32Array.from({ length: 120_000 }, (_, row) => row);
  const codes = Uint8Array.from(rows, (row) => row % 251);
  const packed = Float64Array.from(rows, (row) => row);
  const histogram = new Float64Array(STRIDE);
  histogramKernel(1, 1)(rows, 1000, 1300, codes, Int32Array.of(0), packed, histogram);
  const expected = new Float64Array(STRIDE);
  for (let row = 1000; row < 1300; row++) expected[row % 251]! += row;
  expect(histogram).toEqual(expected);
});
