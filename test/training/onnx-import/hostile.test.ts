import { TensorProto_DataType } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { UserError } from "../../../cloudflare/user-error.ts";
import { EXAMPLE_STONE } from "../../../src/domain/diamond.ts";
import { createOnnxBuilder } from "../../../training/builders/import-onnx.ts";
import { encodeAttributes } from "../../../training/onnx/attributes.ts";
import { Graph } from "../../../training/onnx/graph.ts";
import { measureAllowedMemory } from "../../../training/onnx/measure-memory.ts";
import { predictPrices } from "../../../training/onnx/predict-prices.ts";
import { decodeModel } from "../../../training/onnx-file/decode-model.ts";
import { adapt, createModel, createPriceModel, declare, edit } from "./models.ts";

const { BOOL, INT64 } = TensorProto_DataType;

describe("a hostile file gets a clear error", () => {
  const importModel = (bytes: Uint8Array) =>
    createOnnxBuilder({ file: "hostile.onnx", name: "hostile" }, bytes).then(
      () => "taken",
      (error: Error) => error.message,
    );

  test("a constant that claims 10^12 values", async () => {
    const bytes = createPriceModel(({ graph }) => {
      graph!.initializer[0]!.dims = [10n ** 12n];
    });
    expect(await importModel(bytes)).toBe(
      "the tensor constant_0 has the shape [1000000000000], which is too large to serve",
    );
  });

  test("many inputs with long names that a terminal would execute", async () => {
    const bytes = createPriceModel(({ graph }) => {
      const [input] = graph!.input;
      for (let i = 0; i < 200; i++) graph!.input.push({ ...input!, name: `\u001b[2J${i}${"x".repeat(1e4)}` });
    });
    const message = await importModel(bytes);
    expect(message).toMatch(
      /^200 faults: \(1\) the model has an unknown input \\u\{1b\}\[2J0x+…; .*; and 180 more$/,
    );
    expect(message.length).toBeLessThan(40_000);
  });

  test("names that every object of JavaScript has", async () => {
    const bytes = createPriceModel((model) => {
      model.opsetImport = [
        { ...model.opsetImport[0]!, domain: "", version: 9n },
        { ...model.opsetImport[0]!, domain: "constructor", version: 1n },
      ];
      model.graph!.node[0]!.opType = "constructor";
      model.graph!.input[0]!.name = "constructor";
    });
    expect(await importModel(bytes)).toMatch(
      /^2 faults: \(1\) the model has an unknown input constructor; .*\(2\) the model uses operator set 9 of ai\.onnx; /,
    );
  });

  test("a model that fails for some stones only", async () => {
    const bytes = createModel("carat", (graph, carat) => {
      const row = graph.addNode("Cast", [carat], { to: INT64 });
      return graph.addNode("Gather", [graph.floatConstant([4000, 4000]), row], { axis: 0 });
    });
    const model = adapt(bytes).toBytes(null);
    expect(await predictPrices(model, [EXAMPLE_STONE])).toEqual(Float32Array.of(4000));
    const failure = await predictPrices(model, [{ ...EXAMPLE_STONE, carat: 5 }]).catch(
      (error: unknown) => error,
    );
    expect(failure).toBeInstanceOf(UserError);
    expect(String(failure)).toMatch(/the model fails for some of the stones: .*out of .*bounds/);
  });

  test("a graph with a cycle", async () => {
    const bytes = createPriceModel(({ graph }) => {
      graph!.node[0]!.input[1] = "price";
    });
    expect(await importModel(bytes)).toMatch(/^onnxruntime cannot load the model: /);
  });

  test("a value of the wrong type", async () => {
    const bytes = createPriceModel(({ graph }) => {
      graph!.node[0]!.input[1] = "cut";
    });
    expect(await importModel(bytes)).toMatch(/^onnxruntime cannot load the model: .*tensor\(string\)/);
  });

  test("a price for all stones together", async () => {
    const bytes = createModel("carat", (graph, input) =>
      graph.addNode("ReduceMean", [input], { keepdims: 0 }),
    );
    expect(await importModel(bytes)).toBe(
      "the model does not return one price for each stone (the output price must have the shape [N] for any " +
        "number N of stones, but has [1]); export it for any number of stones",
    );
  });

  test("a loop without an end, after a time limit", async () => {
    const body = new Graph("body");
    body.addInput("iteration", "float");
    body.addOutput(body.addInput("isGoingOn", "float"), "goesOn");
    body.addOutput(body.addInput("value", "float"), "sameValue");
    const bodyFile = edit(body.toBytes(), (model) => {
      declare(model, "iteration", INT64, []);
      declare(model, "isGoingOn", BOOL, []);
      declare(model, "goesOn", BOOL, []);
    });
    const bytes = createPriceModel(({ graph }) => {
      const node = graph!.node[0]!;
      node.opType = "Loop";
      // Without a number of turns and without a condition.
      node.input = ["", "", "carat"];
      node.attribute = encodeAttributes({ body: decodeModel(bodyFile)!.graph! });
    });
    await expect(measureAllowedMemory("hostile", bytes, 3000)).rejects.toThrow(
      "hostile is too large to serve: it needs more than 3 s to be loaded and to price 1,000 stones",
    );
  });

  test("a tensor that would take gigabytes", async () => {
    const bytes = createModel("carat", (graph, input) => {
      const zeros = graph.addNode(
        "ConstantOfShape",
        [graph.int64Constant([600_000_000])],
        {},
        { type: "float" },
      );
      return graph.add(input, graph.reduceSum(zeros));
    });
    const adapted = adapt(bytes).toBytes(null);
    await expect(measureAllowedMemory("hostile", adapted)).rejects.toThrow(
      "hostile is too large to serve: it needs more than 1073.8 MB of memory, and at most 48.0 MB are allowed",
    );
  });
});
