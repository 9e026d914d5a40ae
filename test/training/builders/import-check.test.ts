import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createImportBuilder, type ImportOptions } from "../../../training/builders/import.ts";
import { readDataset } from "../../../training/data/dataset.ts";
import { createEmbeddedSource } from "../../../training/data/source.ts";
import { type Split, splitStones } from "../../../training/data/split.ts";
import { Graph } from "../../../training/onnx/graph.ts";
import { addStoneInputs } from "../../../training/onnx/stone-inputs.ts";
import { createScratchFolder } from "../../support/scratch-folder.ts";

const FIXTURES = join(import.meta.dirname, "../../fixtures/xgboost-import");
const folder = createScratchFolder();
let split: Split;

beforeAll(async () => {
  const { stones } = await readDataset([createEmbeddedSource()]);
  split = splitStones(
    stones.filter((_, i) => i % 40 === 0),
    42,
  );
});
afterAll(() => folder.remove());

const createBuilder = (file: string, options: Partial<ImportOptions> = {}) =>
  createImportBuilder({ name: "imported", file: join(FIXTURES, file), ...options });
const build = async (file: string, options: Partial<ImportOptions> = {}) =>
  (await createBuilder(file, options)).build(split, { seed: 42 });

/** Writes an ONNX file whose price is a linear function of the weight, or its natural logarithm. */
function writeOnnx(name: string, perCarat: number, isLog = false): string {
  const graph = new Graph(name);
  const { carat } = addStoneInputs(graph);
  const price = graph.mul(carat, graph.floatConstant(perCarat));
  graph.addOutput(isLog ? graph.addNode("Log", [price]) : price, "price");
  const file = join(folder.path, `${name}.onnx`);
  writeFileSync(file, graph.toBytes());
  return file;
}

describe("an import whose error is far above that of our simplest model", () => {
  test("is refused with both errors and the cause, if it is known", async () => {
    await expect(build("meaning/3.2.0/log10.ubj")).rejects.toThrow(
      /^imported does not fit the training stones: the mean error on [\d,]+ training stones is \$[\d,.]+, and that of our simplest model \(log-linear\) \$[\d.]+; its values are decimal logarithms of the price: use --log10/,
    );
    await expect(build("meaning/3.2.0/log1p.ubj")).rejects.toThrow(
      "natural logarithms of the price: use --log",
    );
  });

  test("is imported with the option that the refusal names", async () => {
    await expect(build("meaning/3.2.0/derived.ubj")).rejects.toThrow(
      "natural logarithms of the price per carat: use --log-per-carat",
    );
    const model = await build("meaning/3.2.0/derived.ubj", { logPerCarat: true });
    expect(model.hyperparameters).toMatchObject({ target: "log price per carat" });
    expect(model.importance.gain).toMatchObject({ volume: expect.any(Number), "x/y": expect.any(Number) });
  });

  test("is refused as an ONNX file too", async () => {
    const cheap = writeOnnx("cheap", 500);
    await expect(
      createImportBuilder({ name: "imported", file: cheap }).then((one) => one.build(split, { seed: 42 })),
    ).rejects.toThrow(/its prices are 0\.1\d times the real ones in the middle\. Usual causes: .*currency/);
  });

  test("is imported with --force, and its notes say why it was refused", async () => {
    const model = await build("meaning/3.2.0/log10.ubj", { force: true });
    expect(model.notes).toEqual([expect.stringMatching(/^imported with --force: the mean error on /)]);
  });
});

test("codes that do not fit are refused, although the error is not far above", async () => {
  await expect(build("meaning/3.2.0/from-one.ubj")).rejects.toThrow(
    /worst to best from 1 for cut, color, clarity: --categories/,
  );
});

test("a weak model that is right has no notes", async () => {
  // Five trees of depth 4.
  expect((await build("3.2.0/early.json")).notes).toBeUndefined();
});

describe("a builder says what is assumed and chosen", () => {
  test("codes from worst to best, and early stopping", async () => {
    const builder = await createBuilder("3.2.0/early.json");
    expect(builder.notes).toEqual([
      expect.stringMatching(
        /^the file does not say what the numbers of the grades mean: .*cut Fair 0, Good 1/,
      ),
      expect.stringMatching(/^5 of 10 trees are used, up to the best iteration .*--all-trees uses all/),
    ]);
    const all = await createBuilder("3.2.0/early.json", { allTrees: true });
    expect(all.notes?.[1]).toBe("all 10 trees are used, also the 5 after the best iteration");
    expect([builder.settings.trees, all.settings.trees]).toEqual([5, 10]);
  });

  test("the link, the target, missing values and one-hot columns", async () => {
    const gamma = await createBuilder("meaning/3.2.0/gamma.ubj", { log1p: true });
    expect(gamma.notes?.slice(1)).toEqual([
      "the objective reg:gamma predicts e to the power of the sum of the trees",
      "the model's prediction is read as log1p price",
    ]);
    expect(gamma.settings.target).toBe("log1p price");
    const sparse = await createBuilder("meaning/3.2.0/sparse-one-hot.ubj", { missing: 0 });
    expect(sparse.notes).toEqual([
      "20 features are read as one-hot columns of cut, color, clarity",
      "the value 0 is a missing value to the model",
    ]);
    expect(sparse.settings).toMatchObject({
      missing: 0,
      features: expect.arrayContaining(["cut=Very Good"]),
    });
  });

  test("columns without names, and categories that are not used", async () => {
    const nameless = await createBuilder("3.2.0/nameless.ubj");
    expect(nameless.notes?.[0]).toBe(
      "the file has no feature names: they are taken as carat, cut, color, clarity, depth, table, x, y, z (--features names others)",
    );
    const categories = join(folder.path, "categories.json");
    writeFileSync(categories, '{"cut": ["Ideal", "Premium", "Very Good", "Good", "Fair"]}');
    const oneHot = await createBuilder("meaning/3.2.0/pandas-one-hot.ubj", { categories });
    expect(oneHot.notes?.[1]).toBe(
      "the categories of cut are not used: the model has no feature with codes of it",
    );
  });

  test("codes that do not begin at 0 are settings", async () => {
    const categories = join(folder.path, "from-one.json");
    writeFileSync(categories, '{"cut": {"Fair": 1, "Good": 2, "Very Good": 3, "Premium": 4, "Ideal": 5}}');
    const { settings } = await createBuilder("3.2.0/ordinal.json", { categories });
    expect(settings.categories).toMatchObject({ cut: { Fair: 1, Ideal: 5 }, color: [..."JIHGFED"] });
  });
});

test("two logarithms exclude each other", async () => {
  await expect(createBuilder("3.2.0/ordinal.json", { log: true, logPerCarat: true })).rejects.toThrow(
    "--log, --log1p, --log10 and --log-per-carat exclude each other",
  );
});

test("an error of a categories file names that file", async () => {
  const categories = join(folder.path, "wrong.json");
  writeFileSync(categories, '{"colour": ["D"]}');
  await expect(createBuilder("3.2.0/ordinal.json", { categories })).rejects.toThrow(
    /ordinal\.json: .*wrong\.json: the categories file is invalid: .*"colour"; the columns are cut, color, clarity/,
  );
});
