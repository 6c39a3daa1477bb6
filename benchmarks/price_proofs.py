"""200 drawn properties of prices and hazards: proved or refuted, in what time, and attacked with rows.

Models of claims (French motor, 30,000 policies), of their size (Swedish motorcycles) and of hazards (gbsg), additive and
with pairs. A property that is proved is held against 20,000 rows drawn within the columns' ranges; none may break it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from _common import Clock, Report, Run, begin

import edgewise as ew
from edgewise.estimators import KANRegressor, KANSurvival

PROPERTIES, ROWS = 200, 20_000


def french(run: Run) -> tuple[Any, pd.DataFrame] | None:
    path = run.table("insurance/french_motor_frequency.parquet")
    if path is None:
        return None
    table = pd.read_parquet(path).sample(30_000, random_state=0).drop(columns="IDpol")
    claims, years = table.pop("ClaimNb").clip(upper=4), table.pop("Exposure").clip(upper=1)
    return lambda **more: KANRegressor(loss="poisson", **more).fit(table, claims, exposure=years), table


def motorcycles(run: Run) -> tuple[Any, pd.DataFrame] | None:
    path = run.table("insurance/ohlsson_motorcycles.csv")
    if path is None:
        return None
    table = pd.read_csv(path).drop(columns="rownames")
    table = table[table.antskad > 0]
    count, cost = table.pop("antskad"), table.pop("skadkost")
    table = table.drop(columns="duration")
    return lambda **more: KANRegressor(loss="gamma", **more).fit(
        table, cost / count, sample_weight=count
    ), table


def cancer(run: Run) -> tuple[Any, pd.DataFrame] | None:
    path = run.table("survival/gbsg.csv")
    if path is None:
        return None
    table = pd.read_csv(path).drop(columns=["rownames", "pid"])
    shown = table.drop(columns=["status"])
    return lambda **more: KANSurvival(**more).fit(table, duration="rfstime", event="status").model_, shown


SOURCES: dict[str, Callable[[Run], tuple[Any, pd.DataFrame] | None]] = {
    "claims": french, "amounts": motorcycles, "hazards": cancer
}  # fmt: skip


def drawn(random: np.random.Generator, model: Any, table: pd.DataFrame) -> str:
    """A property that may or may not hold."""
    numbers = [
        name
        for name in table.columns
        if pd.api.types.is_numeric_dtype(table[name]) and table[name].nunique() > 2
    ]
    words = [name for name in table.columns if name not in numbers]
    level = float(np.quantile(model.predict(table), random.uniform(0.5, 1))) * random.uniform(0.5, 20)
    column = str(random.choice(numbers))
    kinds = [
        f"increasing({column})",
        f"decreasing({column})",
        f"output <= {level:.6g}",
        f"lipschitz({column}, {level / np.ptp(table[column]) * random.uniform(0.1, 30):.6g})",
        *(
            [f"changes_at_most({random.choice(words)}, {level * random.uniform(0.05, 1):.6g})"]
            if words
            else []
        ),
    ]
    return str(random.choice(kinds))


def broken(model: Any, table: pd.DataFrame, text: str, random: np.random.Generator) -> int:
    """Rows, drawn within the ranges, that break a property."""
    name, inside = text.split("(", 1) if "(" in text else ("output", "")
    rows = pd.DataFrame(
        {
            key: random.uniform(cells.min(), cells.max(), ROWS)
            if pd.api.types.is_numeric_dtype(cells)
            else random.choice(cells.unique(), ROWS)
            for key, cells in table.items()
        }
    )
    here = model.predict(rows)
    if name == "output":
        return int((here > float(text.split("<=")[1]) * (1 + 1e-9)).sum())
    column, _, limit = inside.rstrip(")").partition(", ")
    moved = rows.copy()
    cells = table[column]
    if name == "changes_at_most":
        moved[column] = random.choice(cells.unique(), ROWS)
    else:
        moved[column] = random.uniform(cells.min(), cells.max(), ROWS)
    there = model.predict(moved)
    if name == "changes_at_most":
        return int((np.abs(there - here) > float(limit) * (1 + 1e-9)).sum())
    step = moved[column].to_numpy() - rows[column].to_numpy()
    if name == "lipschitz":
        return int((np.abs(there - here) > float(limit) * np.abs(step) * (1 + 1e-6) + 1e-12).sum())
    sign = 1 if name == "increasing" else -1
    return int((sign * (there - here) * np.sign(step) < -1e-9 * np.abs(here)).sum())


def main() -> None:
    run = begin("price_proofs", "properties of prices and hazards")
    report = Report(
        run,
        "properties",
        [
            "model",
            "functions",
            "properties",
            "proved",
            "refuted",
            "undecided",
            "median s",
            "slowest s",
            "false",
        ],
        [10, 10, 10, 8, 8, 10, 9, 10, 6],
    )
    random = np.random.default_rng(0)
    each = (12 if run.quick else PROPERTIES) // (2 * len(SOURCES)) + 1
    for name, source in SOURCES.items():
        found = source(run)
        if found is None:
            continue
        fit, table = found
        for functions, options in (("additive", {"mode": "additive"}), ("pairs", {"interactions": 4})):
            model = fit(random_state=0, **options)
            status, seconds, false = list[str](), list[float](), 0
            for _ in range(each):
                text, clock = drawn(random, model, table), Clock()
                verdict = ew.verify(model, text)
                seconds.append(clock.seconds)
                status.append(verdict.status)
                false += verdict.status == "proved" and broken(model, table, text, random) > 0
            counts = [status.count(word) for word in ("proved", "refuted", "undecided")]
            report.add(name, functions, len(status), *counts, float(np.median(seconds)), max(seconds), false)
    report.save()


if __name__ == "__main__":
    main()
