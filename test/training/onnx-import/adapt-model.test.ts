import { create } from "@bufbuild/protobuf";
import { type ModelProto, StringStringEntryProtoSchema, TensorProto_DataType } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { EXAMPLE_STONE, SAMPLE_STONE } from "../../../src/domain/diamond.ts";
import { ContractError, checkContract } from "../../../training/onnx/check-contract.ts";
import { Graph, type GraphValue } from "../../../training/onnx/graph.ts";
import { predictPrices } from "../../../training/onnx/predict-prices.ts";
import type { AdaptationOptions } from "../../../training/onnx-import/adapt-model.ts";
import { adapt, createModel, createPriceModel, declare, edit } from "./models.ts";

const { FLOAT, DOUBLE, INT64, STRING } = TensorProto_DataType;
const double = (graph: Graph, input: GraphValue) => graph.mul(input, graph.floatConstant(4000));

function getFault(bytes: Uint8Array, options: Partial<AdaptationOptions> = {}): string {
  try {
    adapt(bytes, options);
  } catch (error) {
    expect(error).toBeInstanceOf(ContractError);
    return (error as Error).message;
  }
  throw new Error("the model was taken");
}

async function price(bytes: Uint8Array): Promise<number> {
  return (await predictPrices(bytes, [EXAMPLE_STONE]))[0]!;
}

describe("a model that fulfils the contract", () => {
  test.each([
    ["with named sizes", () => {}],
    [
      "whose batch dimension has no name",
      (model: ModelProto) => {
        for (const name of ["carat", "depth", "table", "x", "y", "z", "price"])
          declare(model, name, FLOAT, [null]);
        for (const name of ["cut", "color", "clarity"]) declare(model, name, STRING, [null]);
      },
    ],
  ])("%s is taken byte for byte", async (_, change) => {
    const bytes = createPriceModel(change);
    const { toBytes, notes } = adapt(bytes);
    expect(toBytes(null)).toBe(bytes);
    expect(notes).toEqual([]);
    await checkContract(bytes);
  });

  test("is taken with IR version 14, which is lowered", async () => {
    const bytes = createPriceModel((model) => {
      model.irVersion = 14n;
    });
    const { toBytes, notes } = adapt(bytes);
    expect(notes).toEqual(["the IR version 14 is lowered to 13, which the runtime reads"]);
    expect(await price(toBytes(null))).toBeCloseTo(4400, 2);
  });
});

describe("names, shapes and types are adapted", () => {
  test.each<[string, string, number, (number | null)[]]>([
    ["float32 [N, 1]", "carat", FLOAT, [null, 1]],
    ["float32 [1, 1]", "Carat", FLOAT, [1, 1]],
    ["float32 [1]", "CARAT", FLOAT, [1]],
    ["float32 [-1]", "carat", FLOAT, [-1]],
  ])("%s", async (_, name, type, shape) => {
    const bytes = createModel(name, double, (model) => {
      declare(model, name, type, shape);
      declare(model, "variable", FLOAT, shape);
    });
    expect(await price(adapt(bytes).toBytes(null))).toBeCloseTo(4400, 2);
  });

  test("float64, and the notes say what was done", async () => {
    const bytes = createModel(
      "weight",
      (graph, input) => graph.mul({ ...input, type: "double" }, graph.doubleConstant(4000)),
      (model) => {
        declare(model, "weight", DOUBLE, [null, 1]);
        declare(model, "variable", DOUBLE, [null, 1]);
      },
    );
    const { toBytes, notes } = adapt(bytes, { inputs: { weight: "carat" } });
    expect(await price(toBytes(null))).toBeCloseTo(4400, 2);
    expect(notes).toEqual([
      "the input weight takes carat",
      "weight: given as float64 [N, 1]",
      "the output variable (float64 [N, 1]) is the price",
      "the model does not use cut, color, clarity, depth, table, x, y, z",
    ]);
  });

  test("int64 codes of a grade", async () => {
    const bytes = createModel(
      "colour",
      (graph, input) => graph.addNode("Cast", [input], { to: FLOAT }),
      (model) => declare(model, "colour", INT64, [null, 1]),
    );
    const color = ["D", "E", "F", "G", "h", "I", "J"];
    expect(await price(adapt(bytes, { categories: { color } }).toBytes(null))).toBe(4);
  });

  test.each([
    ["log price", Math.log(5000)],
    ["log1p price", Math.log1p(5000)],
    ["log10 price", Math.log10(5000)],
    ["log price per carat", Math.log(5000 / EXAMPLE_STONE.carat)],
  ] as const)("%s", async (target, predicted) => {
    const bytes = createModel("carat", (graph, input) =>
      graph.add(graph.mul(input, graph.floatConstant(0)), graph.floatConstant(predicted)),
    );
    expect((await price(adapt(bytes, { target }).toBytes(null))) / 5000).toBeCloseTo(1, 5);
  });

  test("the columns of a matrix that the metadata of the file name", async () => {
    const bytes = createModel(
      "input",
      (graph, input) => graph.addNode("ReduceSum", [input, graph.int64Constant([1])], { keepdims: 1 }),
      (model) => {
        declare(model, "input", FLOAT, [null, 2]);
        model.metadataProps = [
          create(StringStringEntryProtoSchema, { key: "feature_names", value: '["depth", "carat"]' }),
        ];
      },
    );
    expect(await price(adapt(bytes).toBytes(null))).toBeCloseTo(EXAMPLE_STONE.depth + EXAMPLE_STONE.carat, 3);
  });

  test("branches of the model may use the values around them", async () => {
    const bytes = createModel("carat", (graph, input) =>
      graph.if(
        graph.isNaN(graph.reduceSum(input)),
        (branch) => branch.mul(input, branch.floatConstant(1)),
        (branch) => branch.mul(input, branch.floatConstant(4000)),
      ),
    );
    expect(await price(adapt(bytes).toBytes(null))).toBeCloseTo(4400, 2);
  });
});

describe("operator sets", () => {
  const setOpsets = (model: ModelProto, onnx: number, ml: number) => {
    for (const opset of model.opsetImport) opset.version = BigInt(opset.domain === "" ? onnx : ml);
  };

  test("an old set is raised if the operators of the model mean the same in a newer one", async () => {
    const bytes = createModel(
      "carat",
      (graph, input) => graph.exp(input),
      (model) => setOpsets(model, 8, 1),
    );
    expect(await price(adapt(bytes).toBytes(null))).toBeCloseTo(Math.exp(1.1), 4);
  });

  test("an old set with other operators is refused", () => {
    const bytes = createModel(
      "carat",
      (graph, input) => graph.addNode("Clip", [input]),
      (model) => setOpsets(model, 8, 1),
    );
    expect(getFault(bytes)).toBe(
      "the model uses operator set 8 of ai.onnx; export it with target_opset 11 to 26",
    );
  });

  test("newer versions than the runtime has are refused together", () => {
    const bytes = createPriceModel((model) => {
      model.irVersion = 15n;
      setOpsets(model, 27, 6);
    });
    expect(getFault(bytes)).toMatch(
      /^3 faults: \(1\) .*IR version 15; save it with ir_version 13 or lower.*; \(2\) .*operator set 27 of ai\.onnx; export it with target_opset 26 or lower.*; \(3\) .*operator set 6 of ai\.onnx\.ml; export it with target_opset 5 or lower/,
    );
  });
});

describe("what cannot be adapted is refused", () => {
  test("all faults at once", () => {
    const graph = new Graph("test");
    const fire = graph.addInput("fire", "float");
    const cut = graph.addInput("cut", "float");
    graph.addOutput(graph.add(fire, cut), "price");
    const bytes = edit(graph.toBytes(), (model) => {
      declare(model, "cut", INT64, [null, 1]);
      declare(model, "price", FLOAT, [null, 4]);
    });
    const fault = getFault(bytes);
    expect(fault).toMatch(
      /^3 faults: \(1\) the model has an unknown input fire; .*\(2\) the input cut takes a number for cut; say with --categories .*\(3\) the output price must have the shape \[N\] or \[N, 1\], but has \[N, 4\]$/,
    );
    expect(fault).not.toContain("4294967295");
  });

  test.each<[string, number, (number | null)[], string]>([
    ["a type without decimals", INT64, [null], "must be float32 or float64 for carat, but is int64"],
    ["text", STRING, [null], "must be float32 or float64 for carat, but is string"],
    [
      "three dimensions",
      FLOAT,
      [null, 1, 1],
      "must have the shape [N], [N, 1] or [N, columns], but has [N, 1, 1]",
    ],
    ["exactly seven stones", FLOAT, [7, 1], "takes exactly 7 stones"],
    ["one vector of all numbers", FLOAT, [9], "is one number a stone, or all numbers of one stone"],
  ])("an input with %s", (_, type, shape, message) => {
    expect(getFault(createModel("carat", double, (model) => declare(model, "carat", type, shape)))).toContain(
      message,
    );
  });

  test("a classifier", () => {
    const graph = new Graph("test");
    const carat = graph.addInput("carat", "float");
    graph.addOutput(carat, "output_label");
    graph.addOutput(graph.exp(carat), "probabilities");
    expect(getFault(graph.toBytes())).toContain("it is a classifier; export a regression model");
  });
});

test("a stone without measurements has a price if the model uses none", async () => {
  const adapted = adapt(createModel("carat", double)).toBytes(null);
  expect([...(await predictPrices(adapted, [SAMPLE_STONE]))]).toEqual([4000]);
});
