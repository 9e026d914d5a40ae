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

type Binary = "add" | "sub" | "mul" | "div" | "pow";
const BINARY: Record<Binary, (x: number, y: number) => number> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  pow: (x, y) => x ** y,
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

  test("clip", async () => {
    const actual = await runGraph(
      (graph) => graph.clip(graph.addInput("a", "float"), graph.floatConstant(-1), graph.floatConstant(2)),
      { a: inputs.a },
    );
    expect(actual).toEqual([1, -1, 2, 0, Number.NaN]);
  });

  test("reduceSum", async () => {
    const actual = await runGraph(
      (graph) => {
        const x = graph.addInput("a", "float");
        return graph.sub(x, graph.reduceSum(x));
      },
      { a: Float32Array.of(1, 2, 3) },
    );
    expect(actual).toEqual([-5, -4, -3]);
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

  test("matMul rejects a vector", () => {
    const graph = new Graph("test");
    const matrix = graph.stack([graph.addInput("a", "float")]);
    expect(() => graph.matMul(matrix, graph.floatConstant([10]))).toThrow("matMul needs two matrices");
  });

  test("stack puts columns side by side", async () => {
    const actual = await runGraph(
      (graph) => {
        const [x, y] = [graph.addInput("a", "float"), graph.addInput("b", "float")];
        return graph.squeeze(
          graph.matMul(graph.stack([x, y, x]), graph.floatConstant([100, 10, 1], [3, 1])),
          1,
        );
      },
      { a: Float32Array.of(1, 2, 3), b: Float32Array.of(4, 5, 6) },
    );
    expect(actual).toEqual([141, 252, 363]);
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

/** Subtracts 1 from `a` if its sum is NaN, else adds 1. Both branches use a value around the `If`. */
function addBranches(graph: Graph): GraphValue {
  const x = graph.addInput("a", "float");
  const one = graph.floatConstant(1);
  return graph.if(
    graph.isNaN(graph.reduceSum(x)),
    (branch) => branch.sub(x, one),
    (branch) => branch.add(x, one),
  );
}

describe("if", () => {
  test.each([
    ["true", [1, Number.NaN, 3], [0, Number.NaN, 2]],
    ["false", [1, 2, 3], [2, 3, 4]],
  ])("runs the branch of a condition that is %s", async (_, values, expected) => {
    expect(await runGraph(addBranches, { a: Float32Array.from(values) })).toEqual(expected);
  });

  test("a branch can return a value from around it, and have constants and branches of its own", async () => {
    const actual = await runGraph(
      (graph) => {
        const x = graph.addInput("a", "float");
        const isMissing = graph.isNaN(graph.reduceSum(x));
        return graph.if(
          isMissing,
          (branch) =>
            branch.if(
              isMissing,
              (inner) => inner.mul(inner.add(x, inner.floatConstant(1)), inner.floatConstant(2)),
              (inner) => inner.add(x, inner.floatConstant(1)),
            ),
          () => x,
        );
      },
      { a: Float32Array.of(1, Number.NaN) },
    );
    expect(actual).toEqual([4, Number.NaN]);
  });
});

describe("the file has no needless nodes", () => {
  const listOperators = (build: (graph: Graph) => GraphValue) => {
    const graph = new Graph("test");
    graph.addOutput(build(graph), "result");
    const file = fromBinary(ModelProtoSchema, graph.toBytes()).graph!;
    return { operators: file.node.map(({ opType }) => opType), constants: file.initializer.length };
  };

  test("equal nodes and equal constants are added once", () => {
    const { operators, constants } = listOperators((graph) => {
      const x = graph.addInput("a", "float");
      const addDouble = () => graph.mul(x, graph.floatConstant(2));
      return graph.add(addDouble(), addDouble());
    });
    expect(operators).toEqual(["Mul", "Add"]);
    expect(constants).toBe(1);
  });

  test("nodes with other inputs or attributes are different", () => {
    const { operators } = listOperators((graph) => {
      const cut = graph.addInput("cut", "string");
      const [a, b] = [1, 2].map((price) => graph.encodeLabels(cut, new Map([["Fair", price]])));
      return graph.add(graph.sub(a!, b!), graph.sub(b!, a!));
    });
    expect(operators).toEqual(["LabelEncoder", "LabelEncoder", "Sub", "Sub", "Add"]);
  });

  test("nodes and constants that no output needs are left out, except those that a branch needs", () => {
    const { operators, constants } = listOperators((graph) => {
      const result = addBranches(graph);
      graph.mul(graph.exp(result), graph.floatConstant(3));
      return result;
    });
    // The copy is there because the result was used before it became the output.
    expect(operators).toEqual(["ReduceSum", "IsNaN", "If", "Identity"]);
    expect(constants).toBe(1);
  });

  test("a cast to the same type is no node", () => {
    const { operators } = listOperators((graph) =>
      graph.cast(graph.exp(graph.addInput("a", "float")), "float"),
    );
    expect(operators).toEqual(["Exp"]);
  });
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
