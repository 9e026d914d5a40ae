import { expect, test } from "vitest";
import { BINS_PER_FEATURE, binFeature } from "../../../../training/boosting/binning/bins.ts";
import { addHistogram, clearHistogram } from "../../../../training/boosting/histogram/histogram.ts";
import { getHistogramKernel } from "../../../../training/boosting/histogram/histogram-kernel.ts";
import {
  chooseGradientScale,
  choosePacking,
  packGradients,
  unpackGradient,
  unpackHessian,
} from "../../../../training/boosting/histogram/packed-gradients.ts";
import { splitRows } from "../../../../training/boosting/threads/split-rows.ts";
import { createRandom } from "../../../support/random.ts";
import { createRandomTable } from "../random-table.ts";

const ROWS = 500;
const FEATURES = 3;

/** Creates a binned table with random packed gradients. */
function createBinnedTable() {
  const { x } = createRandomTable(ROWS, FEATURES, { levels: 30, missing: 0.1 });
  const table = {
    upperBounds: new Float32Array(BINS_PER_FEATURE * FEATURES),
    binCounts: new Int32Array(FEATURES),
    lowerBounds: new Float32Array(FEATURES),
    hasMissing: new Uint8Array(FEATURES),
  };
  const featureBins = x.columns.map((column, feature) => {
    const bins = new Uint8Array(ROWS);
    binFeature(column, 256, bins, feature, table);
    return bins;
  });
  const binsByRow = Uint8Array.from(
    { length: ROWS * FEATURES },
    (_, at) => featureBins[at % FEATURES]![Math.floor(at / FEATURES)]!,
  );
  const random = createRandom(9);
  const packing = choosePacking(ROWS, null);
  const gradients = Array.from({ length: ROWS }, () => random() * 100 - 50);
  const scale = chooseGradientScale(
    packing,
    gradients.reduce((sum, gradient) => sum + Math.abs(gradient), 0),
  );
  const packed = Float64Array.from(
    gradients,
    (gradient) => Math.floor(gradient * scale + 0.5) * packing.shift + 1,
  );
  return { table, featureBins, binsByRow, packed, packing };
}

test("a histogram by subtraction equals the one built from rows, to the bit", () => {
  const { table, featureBins, binsByRow, packed } = createBinnedTable();
  const range = {
    first: new Int16Array(FEATURES),
    last: Int16Array.from(table.binCounts, (count) => count - 1),
    offset: 0,
  };
  const features = Int32Array.of(0, 1, 2);
  const build = (rows: Int32Array) => {
    const histogram = new Float64Array(BINS_PER_FEATURE * FEATURES).fill(Number.NaN);
    clearHistogram(histogram, range, features, table.hasMissing);
    const addRows = getHistogramKernel(FEATURES, FEATURES);
    addRows(rows, 0, rows.length, binsByRow, features, packed, histogram);
    return histogram;
  };
  const rows = Int32Array.from({ length: ROWS }, (_, row) => row);
  const parent = build(rows);
  const middle = splitRows(rows, 0, ROWS, featureBins[1]!, { shift: 1, limit: 12 }, new Int32Array(ROWS));
  const left = build(rows.slice(0, middle));
  const right = build(rows.slice(middle));
  addHistogram(parent, left, -1, range, features, table.hasMissing);
  expect(middle).toBeGreaterThan(100);
  expect(middle).toBeLessThan(400);
  expect(parent).toEqual(right);
});

test("the kernel for some features gives the same sums as the kernel for all features", () => {
  const { binsByRow, packed } = createBinnedTable();
  const rows = Int32Array.from({ length: ROWS }, (_, row) => row);
  const all = new Float64Array(BINS_PER_FEATURE * FEATURES);
  const addAll = getHistogramKernel(FEATURES, FEATURES);
  addAll(rows, 0, ROWS, binsByRow, Int32Array.of(0, 1, 2), packed, all);
  const some = new Float64Array(BINS_PER_FEATURE * 2);
  const addSome = getHistogramKernel(2, FEATURES);
  addSome(rows, 0, ROWS, binsByRow, Int32Array.of(0, 2), packed, some);
  expect(some.slice(0, BINS_PER_FEATURE)).toEqual(all.slice(0, BINS_PER_FEATURE));
  expect(some.slice(BINS_PER_FEATURE)).toEqual(all.slice(2 * BINS_PER_FEATURE));
});

test("the kernel gives the same sums for a few rows of a large table, which it prefetches", () => {
  const rows = Int32Array.from({ length: 120_000 }, (_, row) => row);
  const bins = Uint8Array.from(rows, (row) => row % 251);
  const packed = Float64Array.from(rows, (row) => row);
  const histogram = new Float64Array(BINS_PER_FEATURE);
  getHistogramKernel(1, 1)(rows, 1000, 1300, bins, Int32Array.of(0), packed, histogram);
  // Oracle: the sums of a plain loop.
  const expected = new Float64Array(BINS_PER_FEATURE);
  for (let row = 1000; row < 1300; row++) expected[row % 251]! += row;
  expect(histogram).toEqual(expected);
});

test("a sum of packed gradients is the same in any order, and its hessian is the number of rows", () => {
  const { packed, packing } = createBinnedTable();
  const sum = packed.reduce((total, value) => total + value, 0);
  const backwards = packed.reduceRight((total, value) => total + value, 0);
  expect(Object.is(sum, backwards)).toBe(true);
  expect(sum - Math.floor(sum / packing.shift) * packing.shift).toBe(ROWS);
});

test("the sum of weighted packed gradients unpacks to the sums of gradients and weights", () => {
  const predictions = Float32Array.of(1, -2, 3.5);
  const targets = Float32Array.of(0, 1, 1);
  const weights = Float32Array.of(0.5, 2, 1);
  const packing = choosePacking(3, 3.5);
  // By hand: gradients 1 * 0.5, -3 * 2 and 2.5 * 1.
  const scale = chooseGradientScale(packing, 9);
  const packed = new Float64Array(3);
  const sum = packGradients(predictions, targets, weights, packed, 0, 3, scale, packing);
  expect(unpackGradient(sum, scale, packing)).toBeCloseTo(-3, 5);
  expect(unpackHessian(sum, packing)).toBeCloseTo(3.5, 5);
});

test("a row with a small weight keeps a hessian, also among 10 million rows", () => {
  const packing = choosePacking(10_000_000, 10_000_000);
  const scale = chooseGradientScale(packing, 1_000_000);
  const packed = new Float64Array(1);
  const pack = (weight: number) => {
    packGradients(
      Float32Array.of(0),
      Float32Array.of(1),
      Float32Array.of(weight),
      packed,
      0,
      1,
      scale,
      packing,
    );
    return unpackHessian(packed[0]!, packing);
  };
  expect(pack(1)).toBe(1);
  expect(pack(0.05)).toBe(0.25);
  expect(pack(0.6)).toBe(0.5);
});
