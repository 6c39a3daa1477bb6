"""edgewise as the judge of formula finders wants it: `fit(X, y, names, seconds) -> text of the formula`.

`evaluate.py --method py:$PWD/benchmarks/judge_adapter.py:fit`. Units come as exponents of m, s, kg, K and V, a list for
every column and the target's last. Where EDGEWISE_CLAIM names a file, what the search says of its answer is left there.
EDGEWISE_WORK gives the search so much work ("normal" is 1) and no limit on the clock: the answer then does not hang on
what else the machine does, and the seconds that it tells are those of its own processor time.
"""

from __future__ import annotations

import inspect
import json
import os
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import edgewise as ew

# Looked up here, not in `fit`: the judge's clock would see torch and sympy being imported.
find_formula = ew.find_formula
# The clock of the judge also sees the writing of the answer.
SHARE = 0.95


def fit(
    X: Any, y: Any, names: Sequence[str], seconds: float, units: Sequence[Sequence[float]] | None = None
) -> str:
    began = time.process_time()
    work = os.environ.get("EDGEWISE_WORK")
    budget = {"seconds": SHARE * seconds} if work is None else {"work": float(work)}
    found = find_formula(X, y, names=names, **budget, **_options(names, units))
    _claim(found, time.process_time() - began)
    return found.recommended.exact_text


def _options(names: Sequence[str], units: Sequence[Sequence[float]] | None) -> dict[str, Any]:
    """The judge's seed, and the units where there are any and this edgewise takes them."""
    options: dict[str, Any] = {"seed": int(os.environ.get("SR_SEED", "0"))}
    if units is not None and "units" in inspect.signature(find_formula).parameters:
        options["units"] = dict(zip([*names, "y"], units, strict=True))
    return options


def _claim(found: Any, spent: float) -> None:
    """Leave beside the answer whether the search itself calls it exact."""
    if file := os.environ.get("EDGEWISE_CLAIM"):
        told = {"exact": found.exact, "error": found.recommended.error, "stop_reason": found.stop_reason}
        Path(file).write_text(json.dumps(told | {"message": found.message, "seconds": spent}))
