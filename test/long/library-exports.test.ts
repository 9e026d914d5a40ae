/** Models that other libraries have exported with the recipes of docs/import.md, against their own prices. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { GRADE_COLUMNS, MEASUREMENTS, NUMBER_COLUMNS, type Stone } from "../../src/domain/diamond.ts";
import { createImportBuilder, type ImportOptions } from "../../training/builders/import.ts";
import { readDataset } from "../../training/data/dataset.ts";
import { createEmbeddedSource } from "../../training/data/source.ts";
import { type Split, splitStones } from "../../training/data/split.ts";
import { predictPrices } from "../../training/onnx/predict-prices.ts";
import { createScratchFolder } from "../support/scratch-folder.ts";

const SEED = 42;
const FIXTURES = "test/fixtures/onnx-import";
const NOTE_COMPLETED = "they are completed from the others, with medians of the training stones";

const rows = parse(readFileSync(join(FIXTURES, "predictions.csv")), { columns: true }) as Record<
  string,
  string
>[];
const stones = rows.map(
  (row) =>
    Object.fromEntries([
      ...NUMBER_COLUMNS.map((name) => [name, Number(row[name])]),
      ...GRADE_COLUMNS.map((name) => [name, row[name]]),
    ]) as Stone,
);
const folder = createScratchFolder();
let split: Split;

beforeAll(async () => {
  const dataset = await readDataset([createEmbeddedSource()]);
  split = splitStones(
    dataset.stones.filter((_, i) => i % 200 === 0),
    SEED,
  );
});
afterAll(() => folder.remove());

async function importModel(name: string, options: Partial<ImportOptions> = {}) {
  const builder = await createImportBuilder({
    file: join(FIXTURES, `${name}.onnx`),
    name: "other",
    ...options,
  });
  const model = await builder.build(split, { seed: SEED });
  return { ...model, notes: [...(builder.notes ?? []), ...(model.notes ?? [])] };
}

function expectPrices(actual: Float32Array, column: string): void {
  for (const [row, price] of actual.entries()) {
    const expected = Number(rows[row]![column]);
    expect(Math.abs(price / expected - 1), `stone ${row}: ${price} instead of ${expected}`).toBeLessThan(
      1e-5,
    );
  }
}

const INPUTS = { inputs: join(FIXTURES, "inputs.json") };
const CODES = { ...INPUTS, categories: join(FIXTURES, "categories.json") };

test.each<[string, Partial<ImportOptions>, string]>([
  ["sklearn-one-hot", {}, "its prices of stones with missing measurements are wrong"],
  // Its own file does not load: the exporter declares float64 for a float32 output.
  ["sklearn-ordinal-log", { log: true }, "the output variable (float64 [N, 1]) is the log price"],
  ["sklearn-ridge-log", { log: true }, "carat, depth, table, x, y, z: given as float32 [N, 1]"],
  ["sklearn-network-log", { log: true }, "it has no price for stones with missing measurements"],
  [
    "sklearn-matrix",
    CODES,
    "the input X takes carat, cut, color, clarity, depth, table, x, y, z in this order",
  ],
  ["lightgbm", CODES, "the codes of cut are 0 Fair, 1 Good, 2 Very Good, 3 Premium, 4 Ideal"],
  ["lightgbm-one-hot", { inputs: join(FIXTURES, "one-hot.inputs.json") }, "cut_Fair, cut_Good, cut_Ideal"],
  ["lightgbm-missing", CODES, "the input input takes carat"],
  ["catboost", CODES, "the output predictions (float32 [N]) is the price"],
])("%s has the prices of its library", async (name, options, note) => {
  const model = await importModel(name, options);
  expectPrices(await predictPrices(model.bytes, stones), name);
  expect(model.notes.join("\n")).toContain(note);
});

test("a model that has learned from missing measurements keeps its own way with them", async () => {
  const { bytes, notes, hyperparameters } = await importModel("lightgbm-missing", CODES);
  const incomplete = stones.map((stone) => ({
    ...stone,
    ...Object.fromEntries(MEASUREMENTS.map((name) => [name, undefined])),
  }));
  expectPrices(await predictPrices(bytes, incomplete), "lightgbm-missing without measurements");
  expect(notes.join()).not.toContain(NOTE_COMPLETED);
  expect(hyperparameters.missingMeasurements).toBeUndefined();
});

test("a model that sends missing measurements to one side gets completed ones", async () => {
  const { bytes, notes, hyperparameters } = await importModel("sklearn-matrix", CODES);
  const incomplete = split.test.map((stone) => ({ ...stone, x: undefined, y: undefined, z: undefined }));
  const [own, completed] = await Promise.all([
    predictPrices(bytes, split.test),
    predictPrices(bytes, incomplete),
  ]);
  const ratios = [...completed].map((price, row) => price / own[row]!).sort((a, b) => a - b);
  expect(ratios[Math.floor(ratios.length / 2)]).toBeCloseTo(1, 1);
  expect(notes.join()).toContain(NOTE_COMPLETED);
  expect(hyperparameters.missingMeasurements).toBe("completed");
});

describe("without its options a model is refused, with what is missing", () => {
  test("the order of a matrix", async () => {
    await expect(importModel("lightgbm")).rejects.toThrow(
      "the input input takes 9 columns, and the file does not say which; list them with --inputs",
    );
  });

  test("the meaning of codes", async () => {
    await expect(importModel("lightgbm", INPUTS)).rejects.toThrow(
      /lightgbm\.onnx: 3 faults: \(1\) the input input takes a number for cut; say with --categories .* for color; .* for clarity; /,
    );
  });

  test.each([
    [
      ["carat", "cut", "color", "clarity", "depth", "table", "x", "y"],
      "takes 9 columns, but --inputs lists 8",
    ],
    [
      ["carat", "cut", "color", "clarity", "depth", "table", "x", "y", "y"],
      "the column y is given to input twice",
    ],
    [
      ["carat", "cut", "color", "clarity", "depth", "table", "x", "y", "volume"],
      "volume (for the input input) is no column",
    ],
    [{ features: ["carat"] }, "--inputs names features, but the inputs of the model are input"],
    [{ input: 3 }, "the inputs file must be"],
  ])("--inputs %j", async (inputs, message) => {
    const file = join(folder.path, "inputs.json");
    writeFileSync(file, JSON.stringify(inputs));
    await expect(importModel("lightgbm", { ...CODES, inputs: file })).rejects.toThrow(message);
  });

  test("categories that do not name all grades, or name one twice", async () => {
    const categories = JSON.parse(readFileSync(CODES.categories, "utf8")) as Record<string, string[]>;
    const file = join(folder.path, "categories.json");
    writeFileSync(file, JSON.stringify({ ...categories, cut: ["Good", "Ideal"] }));
    await expect(importModel("lightgbm", { ...INPUTS, categories: file })).rejects.toThrow(
      "the categories of cut are Good, Ideal; Fair, Very Good, Premium are missing",
    );
    writeFileSync(file, JSON.stringify({ ...categories, cut: [...categories.cut!, "ideal"] }));
    await expect(importModel("lightgbm", { ...INPUTS, categories: file })).rejects.toThrow(
      "the categories of cut have Ideal twice",
    );
  });
});

test("other categories and other inputs are other settings", async () => {
  const categories = join(folder.path, "reversed.json");
  const own = JSON.parse(readFileSync(CODES.categories, "utf8")) as Record<string, string[]>;
  writeFileSync(categories, JSON.stringify({ ...own, cut: own.cut!.toReversed() }));
  const [usual, reversed] = await Promise.all(
    [CODES, { ...INPUTS, categories }].map((options) =>
      createImportBuilder({ file: join(FIXTURES, "lightgbm.onnx"), name: "other", ...options }),
    ),
  );
  expect(reversed!.settings).not.toEqual(usual!.settings);
});
