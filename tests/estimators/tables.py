"""Small tables that the tests of the estimators share."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

import numpy as np

from edgewise import KANClassifier, KANRegressor

# Additive networks on few rows: each fit takes a fraction of a second and never runs out of time.
QUICK: dict[str, Any] = {"mode": "additive", "members": 1}


def regressor(**options: Any) -> KANRegressor:
    return KANRegressor(**{**QUICK, **options})


def classifier(**options: Any) -> KANClassifier:
    return KANClassifier(**{**QUICK, **options})


def people(n: int = 120, seed: int = 0) -> dict[str, list[Any]]:
    """A table with numbers, words, truth values and missing cells."""
    rng = np.random.default_rng(seed)
    age = rng.uniform(18, 80, n)
    job = rng.choice(["clerk", "smith", "nurse"], n)
    return {
        "age": [None if k % 9 == 0 else float(v) for k, v in enumerate(age)],
        "job": [None if k % 13 == 0 else str(v) for k, v in enumerate(job)],
        "owner": [bool(v) for v in rng.integers(0, 2, n)],
    }


def income(table: dict[str, list[Any]]) -> np.ndarray:
    """A target that depends on every column of `people`."""
    worth = {"clerk": 0.0, "smith": 1.0, "nurse": 2.0, None: 0.5}
    return np.array(
        [
            0.02 * (40 if age is None else age) + worth[job] + 0.5 * owner
            for age, job, owner in zip(table["age"], table["job"], table["owner"], strict=True)
        ]
    )


def check_array_api(*models: str) -> None:
    """The check of scikit-learn's contract for arrays of other libraries, on models as they are written in a program.

    scikit-learn tests that only where this variable is set before scipy is imported.
    """
    code = (
        "from sklearn.utils.estimator_checks import check_array_api_input as check\n"
        "import edgewise as ew\n"
        f"for model in ({', '.join(models)},):\n"
        "    check(type(model).__name__, model, array_namespace='numpy', expect_only_array_outputs=False)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "SCIPY_ARRAY_API": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
