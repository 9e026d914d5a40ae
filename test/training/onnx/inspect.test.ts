import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { ModelProtoSchema, StringStringEntryProtoSchema, TensorProto_DataLocation } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { GRADE_COLUMNS, NUMBER_COLUMNS } from "../../../src/domain/diamond.ts";
import { Graph, type Value } from "../../../training/onnx/graph.ts";
import { ContractError, checkContract } from "../../../training/onnx/inspect.ts";

type Columns = Record<string, Value>;

/** A model with our inputs, those left out but for, and others in their place. */
function model(
  price: (graph: Graph, columns: Columns) => Value,
  { without = "", output = "price" }: { without?: string; output?: string } = {},
): Uint8Array {
  const graph = new Graph("probe");
  const columns: Columns = {};
  for (const name of NUMBER_COLUMNS) if (name !== without) columns[name] = graph.input(name, "float");
  for (const name of GRADE_COLUMNS) if (name !== without) columns[name] = graph.input(name, "string");
  graph.output(price(graph, columns), output);
  return graph.toBytes();
}

const perCarat = (graph: Graph, { carat }: Columns) => graph.mul(carat!, graph.float(4000));

/** The same model with its file changed. */
function changed(bytes: Uint8Array, change: (file: ReturnType<typeof decode>) => void): Uint8Array {
  const file = decode(bytes);
  change(file);
  return toBinary(ModelProtoSchema, file);
}

const decode = (bytes: Uint8Array) => fromBinary(ModelProtoSchema, bytes);

async function fault(bytes: Uint8Array): Promise<string> {
  const error: unknown = await checkContract(bytes).then(
    () => undefined,
    (error) => error,
  );
  expect(error).toBeInstanceOf(ContractError);
  return (error as ContractError).message;
}

test("a model with our inputs and output passes", async () => {
  await expect(checkContract(model(perCarat))).resolves.toBeUndefined();
});

describe("refused, naming the fault", () => {
  test.each([
    ["nothing", new Uint8Array()],
    ["text", new TextEncoder().encode('{"learner": {}}')],
    ["a truncated model", model(perCarat).subarray(0, 100)],
  ])("%s", async (_, bytes) => {
    expect(await fault(bytes)).toMatch(/no ONNX model|does not load/);
  });

  test("an input less", async () => {
    expect(await fault(model(perCarat, { without: "clarity" }))).toBe(
      "the model has no input clarity: its inputs must be carat, depth, table, x, y, z, cut, color, clarity",
    );
  });

  test("an input more", async () => {
    const bytes = model((graph, columns) =>
      graph.add(perCarat(graph, columns), graph.input("fire", "float")),
    );
    expect(await fault(bytes)).toContain("the model has an input fire");
  });

  test("an input of another type", async () => {
    const bytes = model(
      (graph, columns) => {
        graph.input("cut", "float");
        return perCarat(graph, columns);
      },
      { without: "cut" },
    );
    expect(await fault(bytes)).toBe("the input cut is float32, it must be string");
  });

  test("an input of shape [N, 1], as scikit-learn's converter makes them", async () => {
    const bytes = changed(model(perCarat), ({ graph }) => {
      const type = graph!.input[1]!.type!.value;
      if (type.case === "tensorType") type.value.shape!.dim.push({ ...type.value.shape!.dim[0]! });
    });
    expect(await fault(bytes)).toBe(
      "the input depth has the shape [N, N], it must be [N] for any number N of stones",
    );
  });

  test("an input for one stone alone", async () => {
    const bytes = changed(model(perCarat), ({ graph }) => {
      const type = graph!.input[2]!.type!.value;
      if (type.case === "tensorType") type.value.shape!.dim[0]!.value = { case: "dimValue", value: 1n };
    });
    expect(await fault(bytes)).toBe(
      "the input table has the shape [1], it must be [N] for any number N of stones",
    );
  });

  test("another output", async () => {
    expect(await fault(model(perCarat, { output: "variable" }))).toBe(
      "the model has no output price: its outputs must be price",
    );
  });

  test("an output of shape [N, 1]", async () => {
    const bytes = model((graph, columns) => graph.unsqueeze(perCarat(graph, columns), 1));
    expect(await fault(bytes)).toContain("the output price has the shape [N, 1]");
  });

  test("weights in another file", async () => {
    const bytes = changed(model(perCarat), ({ graph }) => {
      const tensor = graph!.initializer[0]!;
      tensor.rawData = new Uint8Array();
      tensor.dataLocation = TensorProto_DataLocation.EXTERNAL;
      tensor.externalData.push(
        create(StringStringEntryProtoSchema, { key: "location", value: "weights.bin" }),
      );
    });
    expect(await fault(bytes)).toBe(
      "the model keeps its tensor constant_0 in weights.bin: save it as a single file",
    );
  });

  test("an operator that does not exist", async () => {
    const bytes = model((graph, { carat }) => graph.op("Appraise", [carat!]));
    expect(await fault(bytes)).toBe(
      "onnxruntime does not load the model: No Op registered for Appraise with domain_version of 21",
    );
  });

  test("no price where measurements are missing", async () => {
    const bytes = model((graph, { carat, x }) => graph.add(carat!, x!));
    expect(await fault(bytes)).toBe(
      "the model answers stones whose depth, table, x, y, z are missing (NaN) with the price NaN",
    );
  });

  test("one price for all stones", async () => {
    const bytes = model((graph, { carat }) => graph.op("ReduceMean", [carat!], { keepdims: 1 }));
    expect(await fault(bytes)).toMatch(
      /the model answers 3 stones with the shape \[1\]|does not load|has the shape/,
    );
  });

  test("a price that depends on the other stones", async () => {
    const bytes = model((graph, { carat }) =>
      graph.div(carat!, graph.op("ReduceSum", [carat!], {}, { rank: 0 })),
    );
    expect(await fault(bytes)).toMatch(/alone and at .* among others/);
  });
});
