#!/usr/bin/env python3
"""Real XGBoost beside Facet's learner, for boosting.ts: fits it at the notebook's settings, as often as asked.

/usr/bin/python3 xgboost_fit.py ROWS FILE   FILE holds float32: the features column after column, then the target.
Standard input, a line each: `fit THREADS` answers with seconds and peak memory in MB;
`predict ROWS FILE OUT` writes the
newest model's predictions of another table of that layout, without a target.
"""
import resource
import sys
import time

import numpy as np
import xgboost


def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


rows = int(sys.argv[1])
table = np.fromfile(sys.argv[2], "float32").reshape(-1, rows)
x, y = np.ascontiguousarray(table[:-1].T), table[-1].copy()
del table
print(xgboost.__version__, flush=True)
model = None
for line in sys.stdin:
    command, *rest = line.split()
    if command == "fit":
        start = time.perf_counter()
        model = xgboost.XGBRegressor(tree_method="hist", n_estimators=100, max_depth=6, n_jobs=int(rest[0])).fit(x, y)
        print(time.perf_counter() - start, peak(), flush=True)
    else:
        other = np.fromfile(rest[1], "float32").reshape(-1, int(rest[0])).T
        model.predict(np.ascontiguousarray(other)).astype("float32").tofile(rest[2])
        print("done", flush=True)
