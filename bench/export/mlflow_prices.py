"""Prices stones with an exported model in several ways, and writes the prices and times as JSON.

python mlflow_prices.py FOLDER STONES.json OUTPUT.json
"""
import importlib.util
import json
import logging
import pathlib
import sys
import time

import mlflow
import onnxruntime
import pandas

logging.getLogger("mlflow").setLevel(logging.ERROR)
folder, stones_file, output_file = sys.argv[1:]
stones = json.loads(pathlib.Path(stones_file).read_text())
# A measurement that a stone does not have is NaN.
frame = pandas.DataFrame(stones)


def load_pyfunc():
    model = mlflow.pyfunc.load_model(folder)
    return lambda: model.predict(frame)["price"]


def load_onnx(threads=1):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    model = mlflow.onnx.load_model(folder).SerializeToString()
    session = onnxruntime.InferenceSession(model, options)
    inputs = {
        port.name: frame[port.name].to_numpy("float32" if port.type == "tensor(float)" else object)
        for port in session.get_inputs()
    }
    return lambda: session.run(["price"], inputs)[0]


def load_threaded():
    # 0: as many threads as cores.
    return load_onnx(threads=0)


def load_script():
    spec = importlib.util.spec_from_file_location("predict", f"{folder}/predict.py")
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return lambda: script.predict(stones)


def load_example():
    """MLflow's own example must be priced too."""
    model = mlflow.pyfunc.load_model(folder)
    return lambda: model.predict(model.input_example)["price"]


def measure(load):
    started = time.perf_counter()
    predict = load()
    loaded = time.perf_counter()
    prices = [float(price) for price in predict()]
    return {
        "prices": prices,
        "loadMs": (loaded - started) * 1000,
        "predictMs": (time.perf_counter() - loaded) * 1000,
    }


ways = {
    "pyfunc": load_pyfunc,
    "onnx": load_onnx,
    "script": load_script,
    "threaded": load_threaded,
    "example": load_example,
}
results = {name: measure(load) for name, load in ways.items()}
pathlib.Path(output_file).write_text(json.dumps(results))
