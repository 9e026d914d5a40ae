import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, StringStringEntryProtoSchema, TensorProto_DataLocation } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { GRADE_COLUMNS, NUMBER_COLUMNS } from "../../../src/domain/diamond.ts";
import { ContractError, checkContract } from "../../../training/onnx/check-contract.ts";
import { Graph, type GraphValue } from "../../../training/onnx/graph.ts";

type Columns = Record<string, GraphValue>;

/** Creates a model with all inputs of a price model, except `without`. */
function createModel(
  price: (graph: Graph, columns: Columns) => GraphValue,
  { without = "", output = "price" }: { without?: string; output?: string } = {},
): Uint8Array {
  const graph = new Graph("test");
  const columns: Columns = {};
  for (const name of NUMBER_COLUMNS) if (name !== without) columns[name] = graph.addInput(name, "float");
  for (const name of GRADE_COLUMNS) if (name !== without) columns[name] = graph.addInput(name, "string");
  graph.addOutput(price(graph, columns), output);
  return graph.toBytes();
}

const pricePerCarat = (graph: Graph, { carat }: Columns) => graph.mul(carat!, graph.floatConstant(4000));

/** Changes the decoded file of a model. */
function editModel(bytes: Uint8Array, change: (file: ReturnType<typeof decode>) => void): Uint8Array {
  const file = decode(bytes);
  change(file);
  return toBinary(ModelProtoSchema, file);
}

const decode = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes);

async function getError(bytes: Uint8Array): Promise<string> {
  const error: unknown = await checkContract(bytes).then(
    () => undefined,
    (error) => error,
  );
  expect(error).toBeInstanceOf(ContractError);
  return (error as ContractError).message;
}

test("accepts a model with the required inputs and output", async () => {
  await expect(checkContract(createModel(pricePerCarat))).resolves.toBeUndefined();
});

describe("checkContract rejects", () => {
  test.each([
    ["an empty file", new Uint8Array()],
    ["a text file", new TextEncoder().encode('{"learner": {}}')],
    ["a truncated model", createModel(pricePerCarat).subarray(0, 100)],
  ])("%s", async (_, bytes) => {
    expect(await getError(bytes)).toMatch(/not an ONNX model|cannot load/);
  });

  test("a missing input", async () => {
    expect(await getError(createModel(pricePerCarat, { without: "clarity" }))).toBe(
      "the model has no input clarity; its inputs must be carat, depth, table, x, y, z, cut, color, clarity",
    );
  });

  test("an additional input", async () => {
    const bytes = createModel((graph, columns) =>
      graph.add(pricePerCarat(graph, columns), graph.addInput("fire", "float")),
    );
    expect(await getError(bytes)).toContain("the model has an unknown input fire");
  });

  test("an input of the wrong type", async () => {
    const bytes = createModel(
      (graph, columns) => {
        graph.addInput("cut", "float");
        return pricePerCarat(graph, columns);
      },
      { without: "cut" },
    );
    expect(await getError(bytes)).toBe("the input cut must be string, but is float32");
  });

  test("an input of shape [N, 1], the shape that scikit-learn's converter uses", async () => {
    const bytes = editModel(createModel(pricePerCarat), ({ graph }) => {
      const type = graph!.input[1]!.type!.value;
      if (type.case === "tensorType") type.value.shape!.dim.push({ ...type.value.shape!.dim[0]! });
    });
    expect(await getError(bytes)).toBe(
      "the input depth must have the shape [N] for any number N of stones, but has [N, N]",
    );
  });

  test("an input for exactly one stone", async () => {
    const bytes = editModel(createModel(pricePerCarat), ({ graph }) => {
      const type = graph!.input[2]!.type!.value;
      if (type.case === "tensorType") type.value.shape!.dim[0]!.value = { case: "dimValue", value: 1n };
    });
    expect(await getError(bytes)).toBe(
      "the input table must have the shape [N] for any number N of stones, but has [1]",
    );
  });

  test("an output with another name", async () => {
    expect(await getError(createModel(pricePerCarat, { output: "variable" }))).toBe(
      "the model has no output price; its outputs must be price",
    );
  });

  test("an output of shape [N, 1]", async () => {
    const bytes = createModel((graph, columns) => graph.unsqueeze(pricePerCarat(graph, columns), 1));
    expect(await getError(bytes)).toBe(
      "the output price must have the shape [N] for any number N of stones, but has [N, 1]",
    );
  });

  test("weights in another file", async () => {
    const bytes = editModel(createModel(pricePerCarat), ({ graph }) => {
      const tensor = graph!.initializer[0]!;
      tensor.rawData = new Uint8Array();
      tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
      tensor.externalData.push(
        create(StringStringEntryProtoSchema, { key: "location", value: "weights.bin" }),
      );
    });
    expect(await getError(bytes)).toBe(
      "the model stores its tensor constant_0 in weights.bin; save the model as a single file",
    );
  });

  test("an operator that does not exist", async () => {
    const bytes = createModel((graph, { carat }) => graph.addNode("Appraise", [carat!]));
    expect(await getError(bytes)).toBe(
      "onnxruntime cannot load the model: No Op registered for Appraise with domain_version of 21",
    );
  });

  test("no price for missing measurements", async () => {
    const bytes = createModel((graph, { carat, x }) => graph.add(carat!, x!));
    expect(await getError(bytes)).toBe(
      "the price of stones without depth, table, x, y, z (NaN) must be a number, but is NaN",
    );
  });

  test("one price for all stones", async () => {
    const bytes = createModel((graph, { carat }) => graph.addNode("ReduceMean", [carat!], { keepdims: 1 }));
    expect(await getError(bytes)).toBe(
      "the output price must have the shape [N] for any number N of stones, but has [1]",
    );
  });

  test("a price that depends on the other stones", async () => {
    const bytes = createModel((graph, { carat }) =>
      graph.div(carat!, graph.addNode("ReduceSum", [carat!], {}, { rank: 0 })),
    );
    expect(await getError(bytes)).toMatch(
      /^the price of a stone must not depend on the other stones, but is .* for one stone and .* in a batch$/,
    );
  });
});
