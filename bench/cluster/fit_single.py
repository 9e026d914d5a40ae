#!/usr/bin/env python3
"""Fits XGBoost in one process, with the features and settings of examples/cluster/train.py. For cluster.ts.

python fit_single.py ROWS.parquet MODEL THREADS TREES   prints the seconds as JSON
"""

import json
import sys
import time
from pathlib import Path

import pandas as pd
import xgboost

sys.path.insert(0, str(Path(__file__).parents[2] / "examples/cluster"))
import train  # noqa: E402

path, model_path, threads, trees = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
started = time.perf_counter()
table = train.compute_features(pd.read_parquet(path))
read = time.perf_counter()
target = table.pop(train.TARGET)
settings = {
    **train.SETTINGS,
    "nthread": threads,
    "base_score": float(target.mean()),
    "disable_default_eval_metric": True,
}
matrix = xgboost.QuantileDMatrix(table, target, max_bin=settings["max_bin"], nthread=threads)
model = xgboost.train(settings, matrix, trees, obj=train.HuberWeights(trees))
fitted = time.perf_counter()
counts = train.count_residuals(table.assign(**{train.TARGET: target}), model.predict(matrix))
model.set_param({"base_score": settings["base_score"] + train.find_shift(counts)})
model.save_model(model_path)
print(json.dumps({"rows": len(table), "readSeconds": read - started, "fitSeconds": fitted - read}))
