"""Tables that fit into memory, fitted there and from files: held-out loss of additive models, and what each way costs.

    python benchmarks/large_equal.py [--data FOLDER]

Files are Parquet, 20,000 rows each. In memory every model is the mean of networks trained on parts of the rows; from files
it is solved once, from sums. Adult and french motor (did a policy have a claim?) have two classes: their loss is the mean of
the negative logarithms. Of california it is the root mean square error. Adult has its own test rows; a fifth of the others.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from _common import Clock, Report, begin, rmse
from adoption import Split, adult, california, one_fifth

import edgewise as ew

ROWS_OF_FILE = 20_000


def french(files: list[Path]) -> Iterator[Split]:
    table = pq.read_table(files[0]).to_pandas().drop(columns="IDpol")
    return one_fifth(table, (table.pop("ClaimNb") > 0).to_numpy().astype(int))


TABLES = {
    "california": (False, ("tabular/california/housing.csv",), california),
    "adult": (True, ("tabular/adult/adult.data", "tabular/adult/adult.test"), adult),
    "french motor": (True, ("insurance/french_motor_frequency.parquet",), french),
}


def loss(model: Any, split: Split, classes: bool) -> float:
    """On the rows held out."""
    if not classes:
        return rmse(model.predict(split.X_test), split.y_test)
    p = model.predict_proba(split.X_test)[np.arange(len(split.y_test)), split.y_test]
    return float(-np.log(p).mean())


def compared(split: Split, classes: bool) -> tuple[float, float, float, float]:
    """Losses of the model in memory and of that from files, and CPU seconds of both."""
    kind = ew.KANClassifier if classes else ew.KANRegressor
    clock = Clock()
    own = kind(mode="additive").fit(split.X, split.y)
    first = clock.seconds
    with tempfile.TemporaryDirectory(prefix="edgewise-large-equal-") as folder:
        whole = pa.Table.from_pandas(split.X.assign(_y=split.y), preserve_index=False)
        for k, start in enumerate(range(0, len(whole), ROWS_OF_FILE)):
            pq.write_table(whole.slice(start, ROWS_OF_FILE), f"{folder}/{k:04}.parquet")
        clock = Clock()
        streamed = kind(mode="additive").fit(folder, target="_y")
        second = clock.seconds
    return loss(own, split, classes), loss(streamed, split, classes), first, second


def main() -> None:
    run = begin("large_equal", "In memory and from files")
    columns = ["table", "rows", "in memory", "from files", "more by %", "CPU s in memory", "CPU s from files"]
    report = Report(run, "tables", columns, [12, 8, 10, 10, 9, 15, 16])
    for name, (classes, files, splits) in TABLES.items():
        paths = [run.table(file) for file in files]
        if None in paths or (run.quick and name != "california"):
            continue
        split = next(splits([path for path in paths if path is not None]))
        held, streamed, *seconds = compared(split, classes)
        report.add(name, len(split.y), held, streamed, 100 * (streamed / held - 1), *seconds)
    report.save()


if __name__ == "__main__":
    main()
