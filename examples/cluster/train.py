#!/usr/bin/env python3
"""Fits a price model with XGBoost on Dask. README.md has the commands.

The features, the target and the settings are those of gradient-boosting (training/models/gradient-boosting.ts).
"""

from __future__ import annotations

import argparse
import contextlib
import json
import logging
import os
import resource
import sys
import time
from pathlib import Path
from typing import Any

import dask
import dask.dataframe as dd
import numpy as np
import pandas as pd
import xgboost
from distributed import Client, LocalCluster, wait
from xgboost import dask as xgboost_dask

NUMBERS = ["carat", "depth", "table", "x", "y", "z"]
# From worst to best: a grade is encoded as its rank, from 0.
GRADES = {
    "cut": ["Fair", "Good", "Very Good", "Premium", "Ideal"],
    "color": ["J", "I", "H", "G", "F", "E", "D"],
    "clarity": ["I1", "SI2", "SI1", "VS2", "VS1", "VVS2", "VVS1", "IF"],
}
COLUMNS = [*NUMBERS, *GRADES, "price"]
# The import knows these names. It computes the features of a stone with the same formulas, in float32.
FEATURES = [
    "carat", "cut", "color", "clarity", "depth", "table", "x", "y", "z",
    "volume", "density", "x/y", "depth gap", "color, clarity", "clarity, color",
]  # fmt: skip
TARGET = "log price per carat"

TREES = 235
SETTINGS = {
    "tree_method": "hist",
    "max_depth": 8,
    "eta": 0.065,
    "lambda": 1,
    "alpha": 0,
    "gamma": 0,
    "min_child_weight": 3,
    "max_bin": 256,
    "subsample": 0.85,
    "colsample_bytree": 0.6,
}
HUBER_DELTA = 0.05
# The first rounds, as a fraction of all: after few trees, a large residual does not yet mean an outlier.
HUBER_AFTER = 60 / 235
# Residuals are counted in this many steps between -SHIFT_LIMIT and SHIFT_LIMIT.
SHIFT_STEPS = 5000
SHIFT_LIMIT = 0.25
SUMMED_TOGETHER = 16
CONNECT_SECONDS = 20


class HuberWeights:
    """The squared error; after the first rounds, outliers get less weight (Huber's loss).

    A row whose residual is above HUBER_DELTA gets the weight HUBER_DELTA / residual. Each worker has its own copy,
    which counts the rounds.
    """

    def __init__(self, trees: int) -> None:
        self.after = round(HUBER_AFTER * trees)
        self.rounds = 0

    def __call__(self, predicted: np.ndarray, matrix: xgboost.DMatrix) -> tuple[np.ndarray, np.ndarray]:
        """Returns the gradient and the hessian of each row."""
        residual = predicted - matrix.get_label()
        self.rounds += 1
        if self.rounds <= self.after:
            return residual, np.ones_like(residual)
        weight = HUBER_DELTA / np.maximum(np.abs(residual), HUBER_DELTA)
        return residual * weight, weight


def compute_features(rows: pd.DataFrame) -> pd.DataFrame:
    """Returns FEATURES and the target of some rows, in float32.

    Raises ValueError if a row has no number, or a grade that is not in GRADES.
    """
    numbers = {name: rows[name].to_numpy("float32", na_value=np.nan) for name in [*NUMBERS, "price"]}
    invalid = [name for name, values in numbers.items() if not (np.isfinite(values) & (values > 0)).all()]
    if invalid:
        raise ValueError(f"each row must have a number above 0 in {', '.join(invalid)}")
    ranks = {}
    for name, grades in GRADES.items():
        codes = pd.Categorical(rows[name], categories=grades).codes
        if (codes < 0).any():
            unknown = rows[name][codes < 0].iloc[0]
            raise ValueError(f"{name} must be one of {', '.join(grades)}; a row has {unknown!r}")
        ranks[name] = codes.astype("float32")
    carat, depth, x, y, z = (numbers[name] for name in ["carat", "depth", "x", "y", "z"])
    volume = x * y * z
    color, clarity = ranks["color"], ranks["clarity"]
    columns = {
        **numbers,
        **ranks,
        "volume": volume,
        "density": carat / volume,
        "x/y": x / y,
        "depth gap": np.float32(200) * z / (x + y) - depth,
        "color, clarity": np.float32(8) * color + clarity,
        "clarity, color": np.float32(8) * clarity + color,
        TARGET: np.log(numbers["price"] / carat),
    }
    return pd.DataFrame({name: columns[name] for name in [*FEATURES, TARGET]}, index=rows.index)


def read_rows(path: str, workers: int) -> dd.DataFrame:
    """Opens the rows. Only the workers read them; each partition is one task.

    Raises ValueError if a column is missing.
    """
    is_csv = path.lower().endswith((".csv", ".csv.gz"))
    rows = dd.read_csv(path, blocksize="32MB") if is_csv else dd.read_parquet(path, split_row_groups=True)
    missing = [name for name in COLUMNS if name not in rows.columns]
    if missing:
        raise ValueError(f"{path} has no column {', '.join(missing)}; it needs {', '.join(COLUMNS)}")
    rows = rows[COLUMNS]
    # A worker without rows would do nothing.
    return rows.repartition(npartitions=workers) if rows.npartitions < workers else rows


def read_settings(changes: list[str]) -> dict[str, Any]:
    """Returns SETTINGS with the changes of --set. Raises ValueError for an unknown name and for no number."""
    settings = dict(SETTINGS)
    for change in changes:
        name, _, value = change.partition("=")
        if not isinstance(SETTINGS.get(name), (int, float)):
            names = [name for name, value in SETTINGS.items() if not isinstance(value, str)]
            raise ValueError(f"--set {change}: the name must be one of {', '.join(names)}")
        try:
            settings[name] = type(SETTINGS[name])(value)
        except ValueError as error:
            raise ValueError(f"--set {change}: {value!r} is no {type(SETTINGS[name]).__name__}") from error
    return settings


def count_residuals(table: pd.DataFrame, predicted: np.ndarray | pd.Series) -> np.ndarray:
    """Returns the predicted dollars of the rows by their residual: a histogram of SHIFT_STEPS steps."""
    residuals = (table[TARGET] - predicted).clip(-SHIFT_LIMIT, SHIFT_LIMIT)
    dollars = np.exp(predicted) * table["carat"]
    return np.histogram(residuals, SHIFT_STEPS, (-SHIFT_LIMIT, SHIFT_LIMIT), weights=dollars)[0]


def find_shift(counts: np.ndarray) -> float:
    """Returns the constant that makes the mean error in dollars least, if it is added to each prediction.

    It is the median of the residuals, weighted by the predicted dollars. Trees that are fitted on another target
    than the price make the error of that target least instead.
    """
    middle = np.searchsorted(counts.cumsum(), counts.sum() / 2)
    return SHIFT_LIMIT * (2 * float(middle) + 1 - SHIFT_STEPS) / SHIFT_STEPS


def fit(client: Client, path: str, trees: int, settings: dict[str, Any]) -> tuple[xgboost.Booster, dict[str, Any]]:
    """Returns the model, and the number of rows, partitions and seconds."""
    started = time.perf_counter()
    workers = len(client.scheduler_info(n_workers=-1)["workers"])
    rows = read_rows(path, workers)
    meta = pd.DataFrame({name: pd.Series(dtype="float32") for name in [*FEATURES, TARGET]})
    table = rows.map_partitions(compute_features, meta=meta).persist()
    wait(table)
    count, mean = table[TARGET].count(), table[TARGET].mean()
    count, mean = (future.result() for future in client.compute([count, mean]))
    if count == 0:
        raise ValueError(f"{path} has no rows")
    read = time.perf_counter()
    matrix = xgboost_dask.DaskQuantileDMatrix(client, table[FEATURES], table[TARGET], max_bin=settings["max_bin"])
    # The objective is our own, so XGBoost does not compute the prediction before the first tree.
    settings = {**settings, "base_score": float(mean), "disable_default_eval_metric": True}
    model = xgboost_dask.train(client, settings, matrix, num_boost_round=trees, obj=HuberWeights(trees))["booster"]
    fitted = time.perf_counter()
    predicted = xgboost_dask.predict(client, model, table[FEATURES])
    pairs = zip(table.to_delayed(), predicted.to_delayed(), strict=True)
    counts = [dask.delayed(count_residuals)(*pair) for pair in pairs]
    # The workers add them up, so that this process gets one histogram, however many partitions there are.
    while len(counts) > 1:
        counts = [dask.delayed(sum)(counts[i : i + SUMMED_TOGETHER]) for i in range(0, len(counts), SUMMED_TOGETHER)]
    model.set_param({"base_score": float(mean) + find_shift(client.compute(counts[0]).result())})
    figures = {
        "rows": int(count),
        "partitions": table.npartitions,
        "workers": workers,
        "readSeconds": read - started,
        "fitSeconds": fitted - read,
    }
    return model, figures


def connect(options: argparse.Namespace, stack: contextlib.ExitStack) -> Client:
    """Connects to the scheduler, or starts workers on this machine. The stack closes what is opened.

    Raises ValueError if the scheduler does not answer, has no workers, or has workers with other versions.
    """
    if options.scheduler is None:
        cluster = LocalCluster(
            n_workers=options.workers,
            threads_per_worker=options.threads,
            memory_limit=options.memory,
            dashboard_address=None,
            # A failed task is logged by its worker too, with a traceback.
            silence_logs=logging.ERROR,
        )
        return stack.enter_context(Client(stack.enter_context(cluster)))
    try:
        client = stack.enter_context(Client(options.scheduler, timeout=CONNECT_SECONDS))
    except (OSError, TimeoutError) as error:
        raise ValueError(f"--scheduler {options.scheduler}: no answer ({error})") from error
    try:
        client.wait_for_workers(1, timeout=CONNECT_SECONDS)
    except TimeoutError as error:
        raise ValueError(f"--scheduler {options.scheduler} has no workers: start `dask worker ADDRESS`") from error
    client.get_versions(check=True, packages=["xgboost", "pandas"])
    return client


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Fits a price model with XGBoost on Dask.")
    rows_help = "file of `npm run train -- --training-rows`, .parquet or .csv; globs and folders work"
    parser.add_argument("rows", help=rows_help)
    model_help = "file for the model, .ubj or .json (default: %(default)s)"
    parser.add_argument("--model", default="model.ubj", help=model_help)
    scheduler_help = "a running Dask scheduler, such as tcp://10.0.0.5:8786"
    parser.add_argument("--scheduler", metavar="ADDRESS", help=scheduler_help)
    local = parser.add_argument_group("without --scheduler, processes on this machine")
    workers_help = "number of processes (default: %(default)s)"
    local.add_argument("--workers", type=int, default=os.cpu_count(), help=workers_help)
    local.add_argument("--threads", type=int, default=1, help="threads of each process (default: %(default)s)")
    local.add_argument("--memory", default="auto", help="memory limit of each, such as 4GiB (default: %(default)s)")
    parser.add_argument("--trees", type=int, default=TREES, help="number of trees (default: %(default)s)")
    set_help = "changes a setting, such as eta=0.05; can be repeated"
    parser.add_argument("--set", action="append", default=[], metavar="NAME=VALUE", help=set_help)
    parser.add_argument("--json", help="file for the number of rows and the seconds")
    return parser.parse_args()


def check_options(options: argparse.Namespace) -> None:
    """Raises ValueError for what would only fail later."""
    for name in ["workers", "threads", "trees"]:
        if getattr(options, name) < 1:
            raise ValueError(f"--{name} must be 1 or more")
    if not options.model.endswith((".ubj", ".json")):
        raise ValueError(f"--model {options.model}: the name must end with .ubj or .json")
    for path in filter(None, [options.model, options.json]):
        if not Path(path).absolute().parent.is_dir():
            raise ValueError(f"{path}: the folder does not exist")
    is_local = "://" not in options.rows and not any(character in options.rows for character in "*?[")
    if is_local and not Path(options.rows).exists():
        command = f"npm run train -- --dry-run --training-rows {options.rows}"
        raise ValueError(f"{options.rows}: no such file; `{command}` writes it")


def main() -> None:
    options = parse_options()
    try:
        check_options(options)
        settings = read_settings(options.set)
        with contextlib.ExitStack() as stack:
            client = connect(options, stack)
            model, figures = fit(client, options.rows, options.trees, settings)
        model.save_model(options.model)
    except (OSError, ValueError) as error:
        sys.exit(f"train.py: {error}")
    figures["coordinatorPeakMegabytes"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if options.json:
        Path(options.json).write_text(json.dumps(figures))
    seconds = "read in {readSeconds:.1f} s, fitted in {fitSeconds:.1f} s".format(**figures)
    print(f"{figures['rows']:,} rows, {figures['workers']} workers: {seconds}")
    print(f"next: npm run train -- import {options.model} --name cluster --log-per-carat")


if __name__ == "__main__":
    main()
