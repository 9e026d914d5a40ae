/** Builds ONNX files and reads the embedded dataset in Node. Tests in workerd cannot do either. */
import type { TestProject } from "vitest/node";
import { GRADE_COLUMNS, GRADES, MEASUREMENTS, NUMBER_COLUMNS } from "../../src/domain/diamond.ts";
import { readDataset } from "../../training/data/dataset.ts";
import { createEmbeddedSource } from "../../training/data/source.ts";
import { Graph, type GraphValue } from "../../training/onnx/graph.ts";

/** The slopes of the linear models. The last 40 are for tests of many versions. */
const LINEAR_SLOPES = [
  ...[100, 200, 300, 400, 600, 700, 800, 900, 1100],
  ...Array.from({ length: 40 }, (_, i) => 2000 + i),
];

export default async function setup(project: TestProject): Promise<void> {
  project.provide("models", {
    steep: encodeBase64(createLinearModel(1000)),
    shallow: encodeBase64(createLinearModel(500)),
    nanPrice: encodeBase64(createNanPriceModel()),
    noPrice: encodeBase64(createModelWithoutPrice()),
    greedy: encodeBase64(createGreedyModel()),
  });
  project.provide(
    "linearModels",
    LINEAR_SLOPES.map((slope) => encodeBase64(createLinearModel(slope))),
  );
  const { stones } = await readDataset([createEmbeddedSource()]);
  project.provide("stones", JSON.stringify(stones));
}

/**
 * Price = slope * carat + 100 * cut + 10 * color + clarity + 0.25 * missing measurements. A grade counts
 * from 0 (worst). The price shows which inputs arrived.
 */
function createLinearModel(slope: number): Uint8Array {
  const graph = new Graph("linear");
  const { numbers, grades } = createInputs(graph);
  let price = graph.mul(numbers.carat, graph.floatConstant(slope));
  GRADE_COLUMNS.forEach((column, i) => {
    const code = graph.addNode(
      "LabelEncoder",
      [grades[column]],
      {
        keys_strings: [...GRADES[column]],
        values_floats: GRADES[column].map((_, code) => code),
        default_float: -1000,
      },
      { domain: "ai.onnx.ml", type: "float" },
    );
    price = graph.add(price, graph.mul(code, graph.floatConstant(10 ** (2 - i))));
  });
  for (const column of MEASUREMENTS) {
    const missing = graph.cast(graph.isNaN(numbers[column]), "float");
    price = graph.add(price, graph.mul(missing, graph.floatConstant(0.25)));
  }
  graph.addOutput(price, "price");
  return graph.toBytes();
}

/** Price = 1000 * sqrt(2 - carat): 0 at 2 carats, NaN above. */
function createNanPriceModel(): Uint8Array {
  const graph = new Graph("nan-price");
  const { numbers } = createInputs(graph);
  const difference = graph.sub(graph.floatConstant(2), numbers.carat);
  graph.addOutput(graph.mul(graph.sqrt(difference), graph.floatConstant(1000)), "price");
  return graph.toBytes();
}

/** A valid ONNX file without the inputs and the output of a price model. */
function createModelWithoutPrice(): Uint8Array {
  const graph = new Graph("no-price");
  graph.addOutput(graph.addInput("weight", "float"), "mass");
  return graph.toBytes();
}

/** Price = 1000 * carat. Each run adds up 100 MB of zeros, which is more memory than the Worker gives. */
function createGreedyModel(): Uint8Array {
  const graph = new Graph("greedy");
  const { numbers } = createInputs(graph);
  const shape = graph.int64Constant([25_000_000]);
  const zeros = graph.addNode("Expand", [graph.floatConstant([0]), shape], {}, { rank: 1 });
  const price = graph.mul(numbers.carat, graph.floatConstant(1000));
  graph.addOutput(graph.add(price, graph.reduceSum(zeros)), "price");
  return graph.toBytes();
}

function createInputs(graph: Graph) {
  const createColumns = <Name extends string>(names: readonly Name[], type: "float" | "string") =>
    Object.fromEntries(names.map((name) => [name, graph.addInput(name, type)])) as Record<Name, GraphValue>;
  return {
    numbers: createColumns(NUMBER_COLUMNS, "float"),
    grades: createColumns(GRADE_COLUMNS, "string"),
  };
}

function encodeBase64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
