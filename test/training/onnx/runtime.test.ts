import { expect, test } from "vitest";
import { Graph } from "../../../training/onnx/graph.ts";
import { loadModel } from "../../../training/onnx/runtime.ts";

function createDoublingModel(): Uint8Array {
  const graph = new Graph("double");
  graph.addOutput(graph.mul(graph.addInput("a", "float"), graph.floatConstant(2)), "result");
  return graph.toBytes();
}

// In workerd, overlapping runs corrupt the runtime permanently. This was never seen in Node, but
// it uses the same lock.
test("2,000 concurrent runs all return their own result", async () => {
  const model = await loadModel(createDoublingModel());
  const results = await Promise.all(
    Array.from({ length: 2000 }, (_, i) => model.run({ a: Float32Array.of(i) })),
  );
  expect(results.map(({ result }) => result!.data[0])).toEqual(results.map((_, i) => 2 * i));
  await model.release();
});

test("a failed run does not block the next run", async () => {
  const model = await loadModel(createDoublingModel());
  await expect(model.run({})).rejects.toThrow("'a'");
  await expect(model.run({ a: ["text"] })).rejects.toThrow();
  expect((await model.run({ a: Float32Array.of(4) })).result!.data).toEqual(Float32Array.of(8));
  await model.release();
});

test("rejects bytes that are not a model", async () => {
  await expect(loadModel(new TextEncoder().encode("no model at all"))).rejects.toThrow();
});

test("rejects an output that is not float", async () => {
  const graph = new Graph("bool");
  graph.addOutput(graph.isNaN(graph.addInput("a", "float")), "result");
  const model = await loadModel(graph.toBytes());
  await expect(model.run({ a: Float32Array.of(1) })).rejects.toThrow(
    "output result must be float, but is bool",
  );
  await model.release();
});
