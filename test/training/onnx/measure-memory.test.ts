import { expect, test } from "vitest";
import { estimateMemory, MAX_MODEL_MEMORY_BYTES } from "../../../src/domain/models/model-memory.ts";
import { measureAllowedMemory, measureMemory } from "../../../training/onnx/measure-memory.ts";
import { createTreeModel } from "../../support/tree-model.ts";

test("each measurement has a runtime of its own, and gives the same figures", async () => {
  const small = createTreeModel(100, 6);
  const first = await measureMemory(small);
  await measureMemory(createTreeModel(300, 6));
  expect(await measureMemory(small)).toEqual(first);
  expect(first.memoryBytes).toBeGreaterThan(10 * small.length);
  expect(first.sessionBytes).toBeGreaterThan(small.length);
  expect(first.sessionBytes).toBeLessThan(first.memoryBytes);
});

test.each([
  [20, 4],
  [100, 6],
  [300, 6],
  [66, 8],
])("the estimate from the file is not below the memory of %i trees of depth %i", async (trees, depth) => {
  const file = createTreeModel(trees, depth);
  const measured = await measureMemory(file);
  const estimated = estimateMemory({ bytes: file.length, memoryBytes: null, sessionBytes: null });
  expect(estimated.memoryBytes).toBeGreaterThanOrEqual(measured.memoryBytes);
  expect(estimated.sessionBytes).toBeGreaterThanOrEqual(measured.sessionBytes);
});

test("a version without any figure counts as the largest model that is allowed", () => {
  const { memoryBytes } = estimateMemory({ bytes: null, memoryBytes: null, sessionBytes: null });
  expect(memoryBytes).toBeLessThanOrEqual(MAX_MODEL_MEMORY_BYTES);
  expect(memoryBytes).toBeGreaterThan(0.99 * MAX_MODEL_MEMORY_BYTES);
});

test("1,000 trees of depth 8 are refused with both numbers", async () => {
  await expect(measureAllowedMemory("cluster@1", createTreeModel(1000, 8))).rejects.toThrow(
    /^cluster@1 is too large to serve: it needs 15\d\.\d MB of memory, and at most 48\.0 MB are allowed$/,
  );
});

test("a file that the runtime cannot load has no memory", async () => {
  await expect(measureAllowedMemory("broken@1", new Uint8Array([1, 2, 3]))).rejects.toThrow(
    "the memory of broken@1 cannot be measured: ",
  );
});
