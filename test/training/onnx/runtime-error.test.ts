import { expect, test } from "vitest";
import { describeRuntimeError } from "../../../training/onnx/runtime-error.ts";

const PREFIX = "Can't create a session. ERROR_CODE: 1, ERROR_MESSAGE: ";
const PATH = "/mnt/build/1/s/onnxruntime/core/graph";

test.each([
  [
    `${PREFIX}${PATH}/model.cc:203 onnxruntime::Model::Model(ModelProto &&, const PathString &, const ModelOptions &) Unsupported model IR version: 14, max supported IR version: 13\n`,
    "Unsupported model IR version: 14, max supported IR version: 13",
  ],
  [
    `${PREFIX}${PATH}/load.h:56 void onnxruntime::Check(const std::unordered_map<std::string, int> &, bool) Opset 27 is under development.`,
    "Opset 27 is under development.",
  ],
  [
    "tensorprotoutils.cc:1544 ValidateDataSizeAndShape Initializer 'w': data field count (0) does not match (9)",
    "Initializer 'w': data field count (0) does not match (9)",
  ],
  [
    `${PATH}/x.cc:1 virtual OrtValue *onnxruntime::Context::Output(int, const TensorShape &) [ONNXRuntimeError] : 2 : INVALID_ARGUMENT : Tensor shape is too large`,
    "Tensor shape is too large",
  ],
  [
    `${PREFIX.replace("create a session", "run")}Non-zero status code returned while running Gather node. Name:'model/Gather_1' Status Message: indices element out of data bounds, idx=5`,
    "Gather: indices element out of data bounds, idx=5",
  ],
  ["Got shape [4294967295,1]", "Got shape [any,1]"],
  [
    "No Op registered for Appraise with domain_version of 21",
    "No Op registered for Appraise with domain_version of 21",
  ],
  ["5281216", "it fails without saying why"],
])("%s", (message, text) => {
  expect(describeRuntimeError(new Error(message))).toBe(text);
});

test("a long name takes linear time and is cut", () => {
  const text = describeRuntimeError(new Error(`${PREFIX}No Op registered for ${"x".repeat(1e5)}`));
  expect(text).toMatch(/^No Op registered for x+…$/);
  expect(text.length).toBeLessThan(3000);
});
