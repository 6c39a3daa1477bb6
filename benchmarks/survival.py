"""Times that may not be over yet: four tables of patients and simulated hazards, KANSurvival beside other programs.

    python benchmarks/survival.py --data FOLDER --python VENV/bin/python [--part tables] [--seeds 3]
    python benchmarks/survival.py --part summary

Peers are scikit-survival's Cox model, gradient boosting and random forest, and lifelines' Weibull model of accelerated
failure times, as they come; they live in an environment of their own (`pip install scikit-survival lifelines`), whose Python
is given by --python or EDGEWISE_SURVIVAL. Each sees words as columns of 0 and 1, and medians for missing cells beside a
column that says so. A quarter of the rows of each table is left out. `tables` measures Harrell's C, the integrated Brier
score between the tenth and ninetieth percentile of the times (censoring weighted by the learning rows), the p value of
Haider et al.'s test of calibration (2020, JMLR 21), small where chances are off, and CPU seconds of a fit on one thread.
`laws` compares chances with those of hazards that are known, 2,000 rows a draw: the root of the mean square of the error at
20 times of 400 fresh rows. Rows are kept as they come, in docs/rows/survival.csv and docs/rows/survival-laws.csv, and what
is there is not measured anew; `summary` prints their means, with standard errors over seeds.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from _common import Clock, Run, common_options, keep_row, kept_rows, machine, rmse
from numpy.typing import NDArray
from scipy.stats import chi2

from edgewise.estimators import KANSurvival
from edgewise.estimators.survival.judging import (
    brier,
    calibration_shares,
    concordance,
    integrated_brier,
    kaplan_meier,
)

Floats = NDArray[np.float64]
HERE = Path(__file__).parent
ROWS = HERE.parent / "docs" / "rows"
PEERS = ("Cox", "boosting", "forest", "Weibull AFT")
DRAWN, FRESH, WHEN = 2000, 400, np.linspace(0.1, 2.0, 20)
# Draws of hazards that are proportional, of which each is to be called so; other laws have five.
PROPORTIONAL_DRAWS, DRAWS = 20, 5


@dataclass(frozen=True)
class Judged:
    """A row of docs/rows/survival.csv."""

    table: str
    seed: int
    model: str
    concordance: float
    brier: float
    calibration: float
    seconds: float


@dataclass(frozen=True)
class Distance:
    """A row of docs/rows/survival-laws.csv; whether hazards were called proportional is known of KANSurvival."""

    law: str
    seed: int
    model: str
    error: float
    proportional: str
    seconds: float


# ---- tables


@dataclass(frozen=True)
class Table:
    """Where a table is, and which of its columns say what."""

    file: str
    duration: str
    event: str
    without: tuple[str, ...]
    rows: tuple[str, int] | None = None


TABLES = {
    "flchain": Table("flchain.csv", "futime", "death", ("chapter",)),
    "gbsg": Table("gbsg.csv", "rfstime", "status", ("pid",)),
    "rotterdam": Table("rotterdam.csv", "dtime", "death", ("pid", "rtime", "recur")),
    "colon, recurrence": Table("colon.csv", "time", "status", ("id", "study", "etype"), ("etype", 1)),
    "colon, death": Table("colon.csv", "time", "status", ("id", "study", "etype"), ("etype", 2)),
}


def read(table: Table, file: Path) -> tuple[pd.DataFrame, Floats, NDArray[np.bool_]]:
    """Columns, times, and whether it happened."""
    frame = pd.read_csv(file)
    if table.rows is not None:
        frame = frame[frame[table.rows[0]] == table.rows[1]].reset_index(drop=True)
    time, event = frame[table.duration].to_numpy(float), frame[table.event].to_numpy() > 0
    return frame.drop(columns=["rownames", table.duration, table.event, *table.without]), time, event


def matrices(known: pd.DataFrame, new: pd.DataFrame) -> tuple[Floats, Floats]:
    """Numbers for peers: words as columns of 0 and 1, medians for missing cells and a column that says so."""
    both = pd.get_dummies(pd.concat([known, new], keys=["known", "new"]), drop_first=True, dtype=float)
    for name in [name for name in both if both[name].isna().any()]:
        both[f"{name} missing"] = both[name].isna().astype(float)
        both[name] = both[name].fillna(known[name].median())
    return both.loc["known"].to_numpy(float), both.loc["new"].to_numpy(float)


def split(n: int, seed: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows to learn from and a quarter that is left out."""
    order = np.random.default_rng(seed).permutation(n)
    return order[: 3 * n // 4], order[3 * n // 4 :]


def judge_table(name: str, file: Path, seed: int, python: str | None, done: set[str]) -> list[Judged]:
    X, time, event = read(TABLES[name], file)
    known, new = split(len(X), seed)
    last = time[known].max()
    own = np.minimum(time[new], last)
    times = np.linspace(*np.minimum(np.quantile(time[new], [0.1, 0.9]), last), 100)
    censoring = kaplan_meier(time[known], ~event[known])

    def judged(model: str, survival: Floats, at: Floats, risk: Floats, seconds: float) -> Judged:
        errors = brier(time[new], event[new], survival, times, censoring)
        shares = calibration_shares(at, event[new])
        even = len(new) / len(shares)
        apart = float(((shares - even) ** 2).sum() / even)
        return Judged(
            name, seed, model,
            round(concordance(time[new], event[new], risk), 5), round(integrated_brier(errors, times), 6),
            float(f"{chi2.sf(apart, len(shares) - 1):.4g}"), round(seconds, 3),
        )  # fmt: skip

    found: list[Judged] = []
    for model, options in {"KANSurvival": {}, "KANSurvival, additive": {"interactions": 0}}.items():
        if model not in done:
            clock = Clock()
            kan = KANSurvival(random_state=seed, **options).fit(
                X.iloc[known], duration=time[known], event=event[known]
            )
            seconds = clock.seconds
            rows = X.iloc[new]
            at = own_survival(kan, rows, own)
            found.append(judged(model, kan.predict_survival(rows, times), at, kan.predict(rows), seconds))
    if "Kaplan-Meier" not in done:
        curve = kaplan_meier(time[known], event[known])
        flat = np.tile(curve(times), (len(new), 1))
        found.append(judged("Kaplan-Meier", flat, curve(own), np.zeros(len(new)), 0.0))
    asked = [peer for peer in PEERS if python and peer not in done]
    if python and asked:
        before, after = matrices(X.iloc[known], X.iloc[new])
        answer = beside(
            python, asked,
            {"X": before, "new": after, "duration": time[known], "event": event[known].astype(float),
             "times": times, "own": own, "seed": np.array(seed)},
        )  # fmt: skip
        for peer in asked:
            parts = [answer[f"{peer} {part}"] for part in ("survival", "own", "risk", "seconds")]
            found.append(judged(peer, *parts[:3], float(parts[3])))
    return found


def own_survival(model: KANSurvival, rows: pd.DataFrame, own: Floats) -> Floats:
    """The chance of each row that nothing has happened by a time of its own."""
    out = np.empty(len(own))
    for part in np.array_split(np.arange(len(own)), max(1, len(own) // 200)):
        out[part] = np.diag(model.predict_survival(rows.iloc[part], own[part]))
    return out


def beside(python: str, peers: Sequence[str], rows: dict[str, Any]) -> dict[str, Any]:
    """The answers of peers, computed by their Python."""
    with tempfile.TemporaryDirectory() as folder:
        np.savez(Path(folder) / "rows.npz", **rows)
        code = f"import _survival_peers; _survival_peers.main({folder!r}, {list(peers)!r})"
        environment = {name: text for name, text in os.environ.items() if name != "PYTHONPATH"}
        subprocess.run([python, "-c", code], cwd=HERE, check=True, env=environment | {"OMP_NUM_THREADS": "1"})
        with np.load(Path(folder) / "answer.npz") as file:
            return dict(file)


# ---- laws


@dataclass(frozen=True)
class Draw:
    """Rows of a law: columns, outcomes, and the true chances of fresh rows at `WHEN`."""

    table: dict[str, Floats]
    outcome: dict[str, Any]
    new: dict[str, Floats]
    truth: Floats
    peers: tuple[str, ...]


def columns(rng: np.random.Generator, n: int) -> dict[str, Floats]:
    return {"x": rng.uniform(-1, 1, n), "z": rng.uniform(-1, 1, n), "noise": rng.uniform(0, 1, n)}


def effect(table: dict[str, Floats]) -> Floats:
    """The logarithm of what multiplies the hazard 1.5 t^0.5: straight in one column, a wave in another."""
    return table["x"] + 0.8 * np.cos(3 * table["z"]) - 0.3


def power_law(rng: np.random.Generator) -> tuple[dict[str, Floats], Floats, dict[str, Floats], Floats]:
    """Columns, times, fresh columns and their true chances."""
    table, new = columns(rng, DRAWN), columns(rng, FRESH)
    time = (rng.exponential(size=DRAWN) / np.exp(effect(table))) ** (1 / 1.5)
    return table, time, new, np.exp(-np.exp(effect(new))[:, None] * WHEN**1.5)


def right(rng: np.random.Generator) -> Draw:
    table, time, new, truth = power_law(rng)
    ended = rng.uniform(0, 3, DRAWN)
    outcome = {"duration": np.minimum(time, ended), "event": (time <= ended).astype(float)}
    return Draw(table, outcome, new, truth, PEERS)


def late(rng: np.random.Generator) -> Draw:
    table, time, new, truth = power_law(rng)
    ended, entry = rng.uniform(0, 3, DRAWN), rng.uniform(0, 0.6, DRAWN)
    seen = np.minimum(time, ended)
    kept = entry < seen
    outcome = {"duration": seen[kept], "event": (time <= ended).astype(float)[kept], "entry": entry[kept]}
    table = {name: cells[kept] for name, cells in table.items()}
    return Draw(table, outcome, new, truth, ("Cox, late entry", "Weibull AFT"))


def intervals(rng: np.random.Generator) -> Draw:
    """Visits 0.3 to 0.9 apart, of which eight are kept."""
    table, time, new, truth = power_law(rng)
    visits = np.concatenate(
        [np.zeros((DRAWN, 1)), np.cumsum(rng.uniform(0.3, 0.9, (DRAWN, 8)), axis=1)], axis=1
    )
    at = (visits < time[:, None]).sum(axis=1)
    rows = np.arange(DRAWN)
    until = np.where(at < 9, visits[rows, np.minimum(at, 8)], np.inf)
    return Draw(table, {"duration": visits[rows, at - 1], "until": until}, new, truth, ("Weibull AFT",))


def status(rng: np.random.Generator) -> Draw:
    """Looked at once."""
    table, time, new, truth = power_law(rng)
    visit = rng.uniform(0, 2.5, DRAWN)
    outcome = {
        "duration": np.where(time <= visit, 0.0, visit),
        "until": np.where(time <= visit, visit, np.inf),
    }
    return Draw(table, outcome, new, truth, ("Weibull AFT",))


def crossing(rng: np.random.Generator) -> Draw:
    """Two groups, whose hazards go with t^-0.2 and t^1.5."""
    table, new = columns(rng, DRAWN), columns(rng, FRESH)
    for cells, n in ((table, DRAWN), (new, FRESH)):
        cells["group"] = rng.integers(0, 2, n).astype(float)
    shape, fresh = (np.where(cells["group"] == 1, 2.5, 0.8) for cells in (table, new))
    time, ended = rng.exponential(size=DRAWN) ** (1 / shape), rng.uniform(0, 3, DRAWN)
    outcome = {"duration": np.minimum(time, ended), "event": (time <= ended).astype(float)}
    return Draw(table, outcome, new, np.exp(-(WHEN ** fresh[:, None])), PEERS)


def competing(rng: np.random.Generator) -> Draw:
    """Hazards are exp(effect) for one cause and t for the other; the chance is that the first has not come first."""
    table, new = columns(rng, DRAWN), columns(rng, FRESH)
    one, two = rng.exponential(size=DRAWN) / np.exp(effect(table)), np.sqrt(2 * rng.exponential(size=DRAWN))
    ended = rng.uniform(0, 3, DRAWN)
    first = np.minimum(np.minimum(one, two), ended)
    event = np.where(first == ended, 0.0, np.where(one < two, 1.0, 2.0))
    fine, rate = np.linspace(0, WHEN[-1], 2001), np.exp(effect(new))[:, None]
    density = rate * np.exp(-rate * fine - fine**2 / 2)
    whole = np.cumsum(np.diff(fine) * (density[:, 1:] + density[:, :-1]) / 2, axis=1)
    truth = 1 - np.stack([np.interp(WHEN, fine[1:], row) for row in whole])
    return Draw(table, {"duration": first, "event": event}, new, truth, ("Cox, two causes",))


def recurrent(rng: np.random.Generator) -> Draw:
    """What may happen again: 800 rows, each with a part for every time between two events."""
    some, new = columns(rng, 800), columns(rng, FRESH)
    scale = np.exp(effect(some))
    parts: list[tuple[int, float, float, float]] = []
    for row, ended in enumerate(rng.uniform(0, 3, 800)):
        start, passed = 0.0, 0.0
        while start < ended:
            passed += rng.exponential()
            time = (passed / scale[row]) ** (1 / 1.5)
            parts.append((row, start, min(time, ended), float(time <= ended)))
            start = time
    row, entry, end, event = (np.array(part) for part in zip(*parts, strict=True))
    table = {name: cells[row] for name, cells in some.items()}
    truth = np.exp(-np.exp(effect(new))[:, None] * WHEN**1.5)
    outcome = {"duration": end, "event": event, "entry": entry, "groups": row}
    return Draw(table, outcome, new, truth, ("Cox, late entry",))


LAWS: dict[str, Callable[[np.random.Generator], Draw]] = {
    "right censored": right,
    "late entry": late,
    "intervals": intervals,
    "current status": status,
    "crossing": crossing,
    "competing": competing,
    "recurrent": recurrent,
}


def judge_law(name: str, seed: int, python: str | None, done: set[str]) -> list[Distance]:
    draw = LAWS[name](np.random.default_rng([seed, list(LAWS).index(name)]))
    found: list[Distance] = []
    if "KANSurvival" not in done:
        clock = Clock()
        model = KANSurvival(random_state=seed).fit(draw.table, **draw.outcome)
        seconds = clock.seconds
        if len(model.causes_) > 1:
            chance = 1 - model.predict_cumulative_incidence(draw.new, WHEN, "1")
        else:
            chance = model.predict_survival(draw.new, WHEN)
        called = "yes" if model.proportional_ else "no"
        found.append(
            Distance(name, seed, "KANSurvival", round(rmse(chance, draw.truth), 5), called, round(seconds, 3))
        )
    # The draws beyond the fifth are there to be called proportional.
    asked = [peer for peer in draw.peers if python and peer not in done and seed < DRAWS]
    if python and asked:
        rows: dict[str, Any] = {name: cells for name, cells in draw.outcome.items() if name != "groups"}
        rows["X"], rows["new"] = (np.column_stack(list(part.values())) for part in (draw.table, draw.new))
        answer = beside(python, asked, {**rows, "times": WHEN, "seed": np.array(seed)})
        for peer in asked:
            error = round(rmse(answer[f"{peer} survival"], draw.truth), 5)
            label = peer.split(",")[0]
            found.append(Distance(name, seed, label, error, "", round(float(answer[f"{peer} seconds"]), 3)))
    return found


# ---- summary


def with_error(values: Sequence[float]) -> str:
    """A mean, with its standard error where there are several values."""
    mean = float(np.mean(values))
    if len(values) < 2:
        return f"{mean:.3g}"
    return f"{mean:.4f} ± {np.std(values, ddof=1) / np.sqrt(len(values)):.4f}"


def summary() -> None:
    rows = kept_rows(ROWS / "survival.csv", Judged)
    print("| table | model | C | Brier | calibrated | CPU s |\n| --- | --- | --- | --- | --- | --- |")
    for table, model in dict.fromkeys((row.table, row.model) for row in rows):
        mine = [row for row in rows if (row.table, row.model) == (table, model)]
        fine = f"{sum(row.calibration > 0.05 for row in mine)} of {len(mine)}"
        scores = [with_error([getattr(row, name) for row in mine]) for name in ("concordance", "brier")]
        print(
            "|",
            " | ".join([table, model, *scores, fine, f"{np.mean([row.seconds for row in mine]):.3g}"]),
            "|",
        )
    laws = kept_rows(ROWS / "survival-laws.csv", Distance)
    print("\n| law | model | draws | error | proportional | CPU s |\n| --- | --- | --- | --- | --- | --- |")
    for law, model in dict.fromkeys((row.law, row.model) for row in laws):
        some = [row for row in laws if (row.law, row.model) == (law, model)]
        called = f"{sum(row.proportional == 'yes' for row in some)}" if some[0].proportional else ""
        errors = with_error([row.error for row in some])
        seconds = f"{np.mean([row.seconds for row in some]):.3g}"
        print("|", " | ".join([law, model, str(len(some)), errors, called, seconds]), "|")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--python", default=os.environ.get("EDGEWISE_SURVIVAL"))
    parser.add_argument("--part", choices=("all", "tables", "laws", "summary"), default="all")
    parser.add_argument("--seeds", type=int, default=3, help="splits of each table")
    common_options(parser, "one split of one table and one draw of one law, which are not kept")
    asked = parser.parse_args()
    if asked.part == "summary":
        summary()
        return
    print(f"# Survival\n{machine()}\n")
    if not asked.python:
        print("skipped: peers (give the Python of their environment by --python or EDGEWISE_SURVIVAL)")
    run = Run("survival", asked.quick, asked.data)
    quick = slice(1, 2) if asked.quick else slice(None)
    if asked.part != "laws":
        kept = [] if asked.quick else kept_rows(ROWS / "survival.csv", Judged)
        for seed in range(1 if asked.quick else asked.seeds):
            for name in list(TABLES)[quick]:
                file = run.table(f"survival/{TABLES[name].file}")
                if file is not None:
                    done = {row.model for row in kept if (row.table, row.seed) == (name, seed)}
                    keep(
                        judge_table(name, file, seed, asked.python, done), ROWS / "survival.csv", asked.quick
                    )
    if asked.part != "tables":
        known = [] if asked.quick else kept_rows(ROWS / "survival-laws.csv", Distance)
        for name in list(LAWS)[quick]:
            draws = PROPORTIONAL_DRAWS if name == "right censored" else DRAWS
            for seed in range(1 if asked.quick else draws):
                made = {row.model for row in known if (row.law, row.seed) == (name, seed)}
                done = {peer for peer in (*PEERS, "KANSurvival") if peer in made}
                done |= {"Cox, late entry", "Cox, two causes"} if "Cox" in made else set()
                keep(judge_law(name, seed, asked.python, done), ROWS / "survival-laws.csv", asked.quick)


def keep(rows: Sequence[Any], file: Path, quick: bool) -> None:
    """Print rows, and keep those of whole runs."""
    for row in rows:
        print(row, flush=True)
        if not quick:
            keep_row(file, row)


if __name__ == "__main__":
    main()
