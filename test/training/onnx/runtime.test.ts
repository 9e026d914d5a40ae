import { expect, test } from "vitest";
import { Graph } from "../../../training/onnx/graph.ts";
import { createModel } from "../../../training/onnx/runtime.ts";

function double(): Uint8Array {
  const graph = new Graph("double");
  graph.output(graph.mul(graph.input("a", "float"), graph.float(2)), "answer");
  return graph.toBytes();
}

// In workerd, runs that overlap break the runtime for good; Node has not shown it, and takes no chances.
test("2,000 runs that overlap all answer", async () => {
  const model = await createModel(double());
  const answers = await Promise.all(
    Array.from({ length: 2000 }, (_, i) => model.run({ a: Float32Array.of(i) })),
  );
  expect(answers.map(({ answer }) => answer!.data[0])).toEqual(answers.map((_, i) => 2 * i));
  await model.release();
});

test("a run that fails does not stop the next", async () => {
  const model = await createModel(double());
  await expect(model.run({})).rejects.toThrow("'a'");
  await expect(model.run({ a: ["text"] })).rejects.toThrow();
  expect((await model.run({ a: Float32Array.of(4) })).answer!.data).toEqual(Float32Array.of(8));
  await model.release();
});

test("bytes that are no model are refused", async () => {
  await expect(createModel(new TextEncoder().encode("no model at all"))).rejects.toThrow();
});

test("an output that is not float is refused", async () => {
  const graph = new Graph("bool");
  graph.output(graph.isNaN(graph.input("a", "float")), "answer");
  const model = await createModel(graph.toBytes());
  await expect(model.run({ a: Float32Array.of(1) })).rejects.toThrow("output answer is bool, not float");
  await model.release();
});
