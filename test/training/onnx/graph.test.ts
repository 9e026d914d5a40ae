import { fromBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { Graph, type Value } from "../../../training/onnx/graph.ts";
import { createModel, type Feeds } from "../../../training/onnx/runtime.ts";

/** What a graph of one output answers. */
async function answer(build: (graph: Graph) => Value, feeds: Feeds): Promise<number[]> {
  const graph = new Graph("test");
  graph.output(build(graph), "answer");
  const model = await createModel(graph.toBytes());
  try {
    return Array.from((await model.run(feeds)).answer!.data);
  } finally {
    await model.release();
  }
}

const a = [1, -2, 3.5, 0, Number.NaN];
const b = [2, 5, -0.5, 0, 1];

type Binary = "add" | "sub" | "mul" | "div" | "pow" | "min" | "max" | "less" | "greater" | "equal";
const BINARY: Record<Binary, (x: number, y: number) => number | boolean> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  pow: (x, y) => x ** y,
  min: Math.min,
  max: Math.max,
  less: (x, y) => x < y,
  greater: (x, y) => x > y,
  equal: (x, y) => x === y,
};

type Unary = "sqrt" | "exp" | "log" | "abs" | "floor" | "isNaN";
const UNARY: Record<Unary, (x: number) => number | boolean> = {
  sqrt: Math.sqrt,
  exp: Math.exp,
  log: Math.log,
  abs: Math.abs,
  floor: Math.floor,
  isNaN: Number.isNaN,
};

function expectClose(actual: readonly number[], expected: readonly (number | boolean)[]): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((value, i) => {
    const wanted = Number(expected[i]);
    if (Number.isFinite(wanted)) expect(value).toBeCloseTo(wanted, 4);
    else expect(value).toBe(wanted);
  });
}

describe("arithmetic agrees with JavaScript's, NaN and infinities included", () => {
  const feeds = { a: Float32Array.from(a), b: Float32Array.from(b) };

  test.each(Object.entries(BINARY))("%s", async (name, oracle) => {
    const actual = await answer(
      (graph) =>
        graph.cast(graph[name as Binary](graph.input("a", "float"), graph.input("b", "float")), "float"),
      feeds,
    );
    expectClose(
      actual,
      a.map((x, i) => oracle(x, b[i]!)),
    );
  });

  test.each(Object.entries(UNARY))("%s", async (name, oracle) => {
    const actual = await answer(
      (graph) => graph.cast(graph[name as Unary](graph.input("a", "float")), "float"),
      { a: feeds.a },
    );
    expectClose(actual, a.map(oracle));
  });

  test("and, or, not, where", async () => {
    const actual = await answer(
      (graph) => {
        const x = graph.input("a", "float");
        const negative = graph.less(x, graph.float(0));
        const large = graph.greater(x, graph.float(3));
        const both = graph.and(graph.not(negative), graph.not(large));
        const either = graph.or(negative, large);
        return graph.where(either, graph.float(10), graph.where(both, x, graph.float(-1)));
      },
      { a: feeds.a },
    );
    expect(actual).toEqual([1, 10, 10, 0, Number.NaN]);
  });

  test("double keeps what float would lose", async () => {
    const actual = await answer(
      (graph) => {
        const x = graph.cast(graph.input("a", "float"), "double");
        return graph.cast(graph.sub(graph.add(x, graph.double(2 ** 30)), graph.double(2 ** 30)), "float");
      },
      { a: Float32Array.of(1.5, 0.25) },
    );
    expect(actual).toEqual([1.5, 0.25]);
  });
});

describe("shapes", () => {
  test("unsqueeze, concat, matMul, squeeze", async () => {
    const actual = await answer(
      (graph) => {
        const columns = ["a", "b"].map((name) => graph.unsqueeze(graph.input(name, "float"), 1));
        return graph.squeeze(graph.matMul(graph.concat(columns, 1), graph.float([10, 1], [2, 1])), 1);
      },
      { a: Float32Array.of(1, 2, 3), b: Float32Array.of(4, 5, 6) },
    );
    expect(actual).toEqual([14, 25, 36]);
  });

  test("matMul with a vector", async () => {
    const actual = await answer(
      (graph) => {
        const columns = ["a", "b"].map((name) => graph.unsqueeze(graph.input(name, "float"), 1));
        return graph.matMul(graph.concat(columns, 1), graph.float([10, 1]));
      },
      { a: Float32Array.of(1, 2, 3), b: Float32Array.of(4, 5, 6) },
    );
    expect(actual).toEqual([14, 25, 36]);
  });

  test("reshape, reduceSum, gather, expand", async () => {
    const actual = await answer(
      (graph) => {
        const pairs = graph.reshape(graph.input("a", "float"), [-1, 2]);
        const sums = graph.reduceSum(pairs, 1);
        const last = graph.gather(sums, graph.int64([1, 0]));
        return graph.add(last, graph.expand(graph.float([100]), graph.int64([2])));
      },
      { a: Float32Array.of(1, 2, 3, 4) },
    );
    expect(actual).toEqual([107, 103]);
  });

  test("a matrix as output keeps its dimensions", async () => {
    const graph = new Graph("matrix");
    const columns = ["a", "b"].map((name) => graph.unsqueeze(graph.input(name, "float"), 1));
    graph.output(graph.concat(columns, 1), "features");
    const model = await createModel(graph.toBytes());
    const { features } = await model.run({ a: Float32Array.of(1, 2, 3), b: Float32Array.of(4, 5, 6) });
    expect(features).toEqual({ data: Float32Array.of(1, 4, 2, 5, 3, 6), dims: [3, 2] });
    await model.release();
  });

  test("values that do not fill their shape are refused", () => {
    expect(() => new Graph("wrong").float([1, 2, 3], [2, 2])).toThrow(
      "3 values do not fill the shape [2, 2]",
    );
  });
});

describe("strings", () => {
  test("LabelEncoder maps them to numbers, others to the default", async () => {
    const actual = await answer(
      (graph) =>
        graph.op(
          "LabelEncoder",
          [graph.input("cut", "string")],
          { keys_strings: ["Fair", "Very Good"], values_floats: [0, 2], default_float: -1 },
          { domain: "ai.onnx.ml", type: "float" },
        ),
      { cut: ["Very Good", "Fair", "Ruby", ""] },
    );
    expect(actual).toEqual([2, 0, -1, -1]);
  });

  test("equal compares with a constant", async () => {
    const actual = await answer(
      (graph) => graph.cast(graph.equal(graph.input("cut", "string"), graph.strings("Très bon")), "float"),
      { cut: ["Fair", "Très bon"] },
    );
    expect(actual).toEqual([0, 1]);
  });
});

describe("the file", () => {
  const build = () => {
    const graph = new Graph("named", "What it is.");
    graph.metadata("model", "log-linear");
    graph.metadata("seed", "7");
    graph.output(graph.exp(graph.add(graph.input("a", "float"), graph.float(1))), "price");
    return graph.toBytes();
  };

  test("the same calls give the same bytes", () => {
    expect(build()).toEqual(build());
  });

  test("says what it is", () => {
    const model = fromBinary(ModelProtoSchema, build());
    expect(model.producerName).toBe("facet");
    expect(model.graph?.docString).toBe("What it is.");
    expect(model.metadataProps.map(({ key, value }) => [key, value])).toEqual([
      ["model", "log-linear"],
      ["seed", "7"],
    ]);
    expect(model.opsetImport.map(({ domain, version }) => [domain, version])).toEqual([
      ["", 21n],
      ["ai.onnx.ml", 5n],
    ]);
  });

  test("declares its inputs and outputs as columns", async () => {
    const model = await createModel(build());
    expect(model.inputs).toEqual([{ name: "a", type: "float32", shape: ["N"] }]);
    expect(model.outputs).toEqual([{ name: "price", type: "float32", shape: ["N"] }]);
    await model.release();
  });
});
