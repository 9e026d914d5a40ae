import { GRADES, NUMBER_COLUMNS } from "../../src/domain/diamond.ts";

/** Formats the text of `predict.py`, which prices stones with onnxruntime only. */
export function formatPredictScript(version: string): string {
  const grades = Object.entries(GRADES).map(([name, values]) => `    "${name}": ${formatList(values)},`);
  return `"""Prices stones with ${version}, in US dollars. Needs numpy and onnxruntime.

python predict.py '[{"carat": 1.1, "cut": "Ideal", "color": "H", "clarity": "SI2"}]'
"""
import json, pathlib, sys
import numpy, onnxruntime

NUMBERS = ${formatList(NUMBER_COLUMNS)}
GRADES = {
${grades.join("\n")}
}
options = onnxruntime.SessionOptions()
options.intra_op_num_threads = 1  # Several threads add up trees in another order: up to 1e-5 off the API's prices.
session = onnxruntime.InferenceSession(pathlib.Path(__file__).with_name("model.onnx"), options)

def predict(stones):
    """The model completes depth, table, x, y and z if they are left out or None."""
    inputs = {name: numpy.array([stone.get(name) for stone in stones], "float32") for name in NUMBERS}
    inputs |= {name: numpy.array([stone.get(name) for stone in stones], object) for name in GRADES}
    # The file itself gives a price for any weight and any text.
    if not (inputs["carat"] > 0).all() or any(set(inputs[name]) - set(GRADES[name]) for name in GRADES):
        raise ValueError(f"each stone needs carat, and grades among {GRADES}")
    return session.run(["price"], inputs)[0].tolist()

if __name__ == "__main__":
    print(predict(json.loads(sys.argv[1])))
`;
}

function formatList(values: readonly string[]): string {
  return `[${values.map((value) => `"${value}"`).join(", ")}]`;
}
