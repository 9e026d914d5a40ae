#!/usr/bin/env python3
"""Fits real XGBoost at the notebook's settings, for the benchmarks fit-time.ts and accuracy.ts.

/usr/bin/python3 xgboost_fit.py ROWS FILE   FILE holds float32: one feature column after another, then the target.

Each line of the standard input is a command. `fit THREADS` prints the seconds and the peak memory in MB.
`predict ROWS FILE OUTPUT` writes the newest model's predictions of another table, which has no target.

XGBRegressor needs scikit-learn, so this uses XGBoost's own API. Its time has everything that XGBRegressor's
has: the table becomes a DMatrix in each fit.
"""
import resource
import sys
import time

import numpy as np
import xgboost

TREES = 100
SETTINGS = {"objective": "reg:squarederror", "tree_method": "hist", "max_depth": 6}


def peak_megabytes():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


rows = int(sys.argv[1])
table = np.fromfile(sys.argv[2], "float32").reshape(-1, rows)
x, y = np.ascontiguousarray(table[:-1].T), table[-1].copy()
del table
print(xgboost.__version__, flush=True)
model = None
for line in sys.stdin:
    command, *arguments = line.split()
    if command == "fit":
        threads = int(arguments[0])
        start = time.perf_counter()
        matrix = xgboost.DMatrix(x, y, nthread=threads)
        model = xgboost.train({**SETTINGS, "nthread": threads}, matrix, TREES)
        del matrix
        print(time.perf_counter() - start, peak_megabytes(), flush=True)
    else:
        table = np.fromfile(arguments[1], "float32").reshape(-1, int(arguments[0])).T
        model.predict(xgboost.DMatrix(np.ascontiguousarray(table))).astype("float32").tofile(arguments[2])
        print("done", flush=True)
