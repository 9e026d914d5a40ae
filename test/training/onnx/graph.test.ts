import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { Graph, type GraphValue } from "../../../training/onnx/graph.ts";
import { loadModel, type ModelInputs } from "../../../training/onnx/runtime.ts";

/** Builds a graph with one output and returns the output for some inputs. */
async function runGraph(build: (graph: Graph) => GraphValue, inputs: ModelInputs): Promise<number[]> {
  const graph = new Graph("test");
  graph.addOutput(build(graph), "result");
  const model = await loadModel(graph.toBytes());
  try {
    return Array.from((await model.run(inputs)).result!.data);
  } finally {
    await model.release();
  }
}

const a = [1, -2, 3.5, 0, Number.NaN];
const b = [2, 5, -0.5, 0, 1];

type Binary = "add" | "sub" | "mul" | "div" | "pow" | "min" | "max";
const BINARY: Record<Binary, (x: number, y: number) => number> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  pow: (x, y) => x ** y,
  min: Math.min,
  max: Math.max,
};

type Unary = "sqrt" | "exp" | "isNaN";
const UNARY: Record<Unary, (x: number) => number | boolean> = {
  sqrt: Math.sqrt,
  exp: Math.exp,
  isNaN: Number.isNaN,
};

function expectClose(actual: readonly number[], expected: readonly (number | boolean)[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    const expectedValue = Number(expected[i]);
    if (Number.isFinite(expectedValue)) expect(value).toBeCloseTo(expectedValue, 4);
    else expect(value).toBe(expectedValue);
  });
}

describe("operators give the same results as JavaScript, including NaN and infinities", () => {
  const inputs = { a: Float32Array.from(a), b: Float32Array.from(b) };

  test.each(Object.entries(BINARY))("%s", async (name, oracle) => {
    const actual = await runGraph(
      (graph) => graph[name as Binary](graph.addInput("a", "float"), graph.addInput("b", "float")),
      inputs,
    );
    expectClose(
      actual,
      a.map((x, i) => oracle(x, b[i]!)),
    );
  });

  test.each(Object.entries(UNARY))("%s", async (name, oracle) => {
    const actual = await runGraph(
      (graph) => graph.cast(graph[name as Unary](graph.addInput("a", "float")), "float"),
      { a: inputs.a },
    );
    expectClose(actual, a.map(oracle));
  });

  test("where", async () => {
    const actual = await runGraph(
      (graph) => {
        const x = graph.addInput("a", "float");
        return graph.where(graph.isNaN(x), graph.floatConstant(10), x);
      },
      { a: inputs.a },
    );
    expect(actual).toEqual([1, -2, 3.5, 0, 10]);
  });

  test("double keeps digits that float32 would round", async () => {
    const actual = await runGraph(
      (graph) => {
        const x = graph.cast(graph.addInput("a", "float"), "double");
        const large = graph.doubleConstant(2 ** 30);
        return graph.cast(graph.sub(graph.add(x, large), large), "float");
      },
      { a: Float32Array.of(1.5, 0.25) },
    );
    expect(actual).toEqual([1.5, 0.25]);
  });
});

describe("shapes", () => {
  test("unsqueeze, concat, matMul, squeeze", async () => {
    const actual = await runGraph(
      (graph) => {
        const columns = ["a", "b"].map((name) => graph.unsqueeze(graph.addInput(name, "float"), 1));
        return graph.squeeze(graph.matMul(graph.concat(columns, 1), graph.floatConstant([10, 1], [2, 1])), 1);
      },
      { a: Float32Array.of(1, 2, 3), b: Float32Array.of(4, 5, 6) },
    );
    expect(actual).toEqual([14, 25, 36]);
  });

  test("matMul with a vector", async () => {
    const actual = await runGraph(
      (graph) => {
        const columns = ["a", "b"].map((name) => graph.unsqueeze(graph.addInput(name, "float"), 1));
        return graph.matMul(graph.concat(columns, 1), graph.floatConstant([10, 1]));
      },
      { a: Float32Array.of(1, 2, 3), b: Float32Array.of(4, 5, 6) },
    );
    expect(actual).toEqual([14, 25, 36]);
  });

  test("gather selects elements and columns", async () => {
    const inputs = { a: Float32Array.of(1, 2, 3), b: Float32Array.of(4, 5, 6) };
    const elements = await runGraph(
      (graph) => graph.gather(graph.addInput("a", "float"), graph.int64Constant([2, 0])),
      { a: inputs.a },
    );
    expect(elements).toEqual([3, 1]);
    const column = await runGraph((graph) => {
      const columns = ["a", "b"].map((name) => graph.unsqueeze(graph.addInput(name, "float"), 1));
      return graph.gather(graph.concat(columns, 1), graph.int64Constant(1), 1);
    }, inputs);
    expect(column).toEqual([4, 5, 6]);
  });

  test("a matrix output keeps its dimensions", async () => {
    const graph = new Graph("matrix");
    const columns = ["a", "b"].map((name) => graph.unsqueeze(graph.addInput(name, "float"), 1));
    graph.addOutput(graph.concat(columns, 1), "features");
    const model = await loadModel(graph.toBytes());
    const { features } = await model.run({ a: Float32Array.of(1, 2, 3), b: Float32Array.of(4, 5, 6) });
    expect(features).toEqual({ data: Float32Array.of(1, 4, 2, 5, 3, 6), dims: [3, 2] });
    await model.release();
  });

  test("a constant must have as many values as its shape", () => {
    expect(() => new Graph("wrong").floatConstant([1, 2, 3], [2, 2])).toThrow(
      "3 values do not fit the shape [2, 2]: it has 4",
    );
  });
});

test("encodeLabels replaces strings by numbers, and unknown strings by NaN", async () => {
  const numbers = new Map([
    ["Fair", 0],
    ["Très bon", 2],
  ]);
  const actual = await runGraph((graph) => graph.encodeLabels(graph.addInput("cut", "string"), numbers), {
    cut: ["Très bon", "Fair", "Ruby", ""],
  });
  expect(actual).toEqual([2, 0, Number.NaN, Number.NaN]);
});

describe("the file", () => {
  const build = () => {
    const graph = new Graph("log-linear");
    graph.addOutput(graph.exp(graph.add(graph.addInput("a", "float"), graph.floatConstant(1))), "price");
    return graph.toBytes();
  };

  test("the same calls produce the same bytes", () => {
    expect(build()).toEqual(build());
  });

  test("names its producer, its graph and its operator sets", () => {
    const model = fromBinary(ModelProtoSchema, build());
    expect(model.producerName).toBe("facet");
    expect(model.graph?.name).toBe("log-linear");
    expect(model.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([
      ["", 21n],
      ["ai.onnx.ml", 5n],
    ]);
  });

  test("declares its inputs and outputs as columns", async () => {
    const model = await loadModel(build());
    expect(model.inputs).toEqual([{ name: "a", type: "float32", shape: ["N"] }]);
    expect(model.outputs).toEqual([{ name: "price", type: "float32", shape: ["N"] }]);
    await model.release();
  });
});
