/** Makes what the tests in workerd cannot make for themselves: ONNX files, and the embedded dataset's rows. */
import type { TestProject } from "vitest/node";
import { GRADE_COLUMNS, GRADES, MEASUREMENTS, NUMBER_COLUMNS } from "../../src/domain/diamond.ts";
import { readDataset } from "../../training/data/dataset.ts";
import { embeddedSource } from "../../training/data/source.ts";
import { Graph, type Value } from "../../training/onnx/graph.ts";

export default async function setup(project: TestProject): Promise<void> {
  project.provide("models", {
    steep: base64(linear(1000)),
    shallow: base64(linear(500)),
    cliff: base64(cliff()),
    strange: base64(strange()),
  });
  project.provide(
    "slopes",
    [100, 200, 300, 400, 600, 700, 800, 900, 1100].map((slope) => base64(linear(slope))),
  );
  const { stones } = await readDataset([embeddedSource()]);
  project.provide("stones", JSON.stringify(stones));
}

/**
 * slope * carat + 100 * cut + 10 * color + clarity, grades counted from 0 for the worst, and a quarter
 * for each measurement that is missing: a price that tells which inputs arrived.
 */
function linear(slope: number): Uint8Array {
  const graph = new Graph("linear");
  const { numbers, grades } = inputs(graph);
  let price = graph.mul(numbers.carat, graph.float(slope));
  GRADE_COLUMNS.forEach((column, i) => {
    const code = graph.op(
      "LabelEncoder",
      [grades[column]],
      {
        keys_strings: [...GRADES[column]],
        values_floats: GRADES[column].map((_, code) => code),
        default_float: -1000,
      },
      { domain: "ai.onnx.ml", type: "float" },
    );
    price = graph.add(price, graph.mul(code, graph.float(10 ** (2 - i))));
  });
  for (const column of MEASUREMENTS) {
    const missing = graph.cast(graph.isNaN(numbers[column]), "float");
    price = graph.add(price, graph.mul(missing, graph.float(0.25)));
  }
  graph.output(price, "price");
  return graph.toBytes();
}

/** 1000 * sqrt(2 - carat): nothing at 2 carats, not a number beyond. */
function cliff(): Uint8Array {
  const graph = new Graph("cliff");
  const { numbers } = inputs(graph);
  const rest = graph.sub(graph.float(2), numbers.carat);
  graph.output(graph.mul(graph.sqrt(rest), graph.float(1000)), "price");
  return graph.toBytes();
}

/** A valid ONNX file that is no price model. */
function strange(): Uint8Array {
  const graph = new Graph("strange");
  graph.output(graph.input("weight", "float"), "mass");
  return graph.toBytes();
}

function inputs(graph: Graph) {
  const of = <Name extends string>(names: readonly Name[], type: "float" | "string") =>
    Object.fromEntries(names.map((name) => [name, graph.input(name, type)])) as Record<Name, Value>;
  return { numbers: of(NUMBER_COLUMNS, "float"), grades: of(GRADE_COLUMNS, "string") };
}

function base64(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64");
}
