"""Proofs: what the prover decides and how fast, and a million random points that try to catch it in a lie.

Networks are those that `KANClassifier` and `KANRegressor` fit to german, adult and a made-up table of 30 columns; where the
data folder is not there, the german table that edgewise ships stands for both measured ones.
Budgets count work.
The environment may choose a part: PROOFS_PARTS="range;soundness".
"""

from __future__ import annotations

import copy
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from _common import Clock, Report, Run, begin
from _goals import maximise, prove
from audit import splits
from scipy.optimize import minimize

import edgewise as ew
from edgewise._core.work import Meter, running
from edgewise.network.fitted import Fitted, fitted
from edgewise.verifying.bounds.rational import exact_excess
from edgewise.verifying.checker import check
from edgewise.verifying.domain.columns import Columns
from edgewise.verifying.domain.domain import Domain, drawn
from edgewise.verifying.domain.goals import OutputTerm
from edgewise.verifying.domain.space import make_space
from edgewise.verifying.results.witness import GoalEvaluator
from edgewise.verifying.search.prove import WORK_UNITS, Outcome, prepare

sys.path.append(str(Path(__file__).parents[1]))

from tests.verifying.certificate_kit import claims, document_of, domain, goals_of, network, rows_of, write
from tests.verifying.certificate_kit import excess as broken_by

GAP, RANGE_UNITS, ROBUST_WORK = 0.01, 20.0, 1 / 12
# What float64 prediction may differ by from the exact function, relative to outputs of order 10.
ROUNDING = 1e-8


@dataclass(frozen=True, eq=False)
class Case:
    """A fitted model, test rows of it, the column whose influence is asked about and what decides."""

    name: str
    model: Any
    rows: pd.DataFrame
    protected: str
    threshold: float | None = None

    @property
    def view(self) -> Fitted:
        return fitted(self.model)

    @property
    def columns(self) -> Columns:
        return Columns(self.view)


def made_up(seed: int = 0, n: int = 3000) -> tuple[pd.DataFrame, np.ndarray]:
    """Thirty columns: products, curves and lines in the first nine, little in the others, words in the last."""
    r = np.random.default_rng(seed)
    X = r.uniform(-1, 1, (n, 29))
    group = r.choice(["a", "b"], n)
    y = 10 * np.sin(np.pi * X[:, 0] * X[:, 1]) + 20 * (X[:, 2] - 0.5) ** 2 + 10 * X[:, 3] + 5 * X[:, 4]
    y += 3 * X[:, 5] * X[:, 6] + 2 * np.exp(X[:, 7]) * X[:, 8] + X[:, 9:] @ r.normal(size=20)
    y += (group == "a") * X[:, 0] + r.normal(size=n)
    table = pd.DataFrame(X, columns=[f"x{k + 1}" for k in range(29)]).assign(group=group)
    return table, y


def measured(run: Run, name: str) -> list[tuple[pd.DataFrame, np.ndarray, pd.DataFrame, str]]:
    """Training rows, their classes, test rows and the protected column of a measured table."""
    found = [] if run.data is None else splits(run, name)
    if found:
        return [(found[0].X, found[0].y, found[0].X_test, "sex")]
    if name != "german":
        return []
    shipped = ew.load_example("german_credit")
    X = pd.DataFrame(dict(shipped.columns))
    y = (X.pop("credit") == "bad").to_numpy().astype(int)
    X["sex"] = np.where(X.pop("status").astype(str).str.startswith("female"), "female", "male")
    return [(X.iloc[:800], y[:800], X.iloc[800:], "sex")]


def fitted_tables(run: Run) -> list[tuple[str, pd.DataFrame, np.ndarray, pd.DataFrame, str]]:
    """Tables by name: columns and targets to fit, columns to test, and the protected column."""
    X, y = made_up()
    listed = [(name, *interval) for name in ("german", "adult") for interval in measured(run, name)]
    return [*listed, ("made up", X[:2000], y[:2000], X[2000:], "group")]


@cache
def cases(run: Run, mode: str) -> tuple[Case, ...]:
    """The networks: one member each, [inputs, 16, 1] where deep."""
    options: dict[str, Any] = {"mode": mode, "members": 1}
    if mode == "deep":
        options["hidden"] = 15
    listed: list[Case] = []
    for name, X, y, X_test, protected in fitted_tables(run):
        # On german one seed in two or so leaves a single node with an edge that is no constant: both kinds are shown.
        for seed in (0, 1) if mode == "deep" and name == "german" else (0,):
            numbers = name == "made up"
            kind = ew.KANRegressor if numbers else ew.KANClassifier
            model = kind(random_state=seed, **options).fit(X, y)
            told = f"{name}, seed {seed}" if seed else name
            listed.append(Case(told, model, X_test, protected, float(np.median(y)) if numbers else None))
    return tuple(listed)


def live_nodes(view: Fitted) -> int:
    """Hidden nodes that reach the output by an edge that is no constant."""
    last = view.network.layers[-1]
    coef = last.coef.detach()
    moves = (coef.amax(-1) > coef.amin(-1)) if coef.shape[-1] != view.network.shape[-1] else None
    moves = (coef.amax(1) > coef.amin(1)) if moves is None else moves
    return int((moves & last.mask).any(-1).sum())


def enclosed(
    net: ew.KAN, where: Domain, units: float, gap: float = GAP
) -> tuple[tuple[float, float], tuple[float, float], int]:
    """Certified range, range of the rows found, and leaves."""
    prepared, sides, left = prepare(net), list[Outcome](), units
    for sign in (-1.0, 1.0):
        share = left / (1.5 - 0.5 * sign)
        # The other end of the range, once found, says how wide it is.
        rows = None if not sides or sides[0].witness is None else sides[0].witness[None]
        with running(Meter()) as meter:
            sides.append(
                maximise(
                    prepared,
                    where,
                    [OutputTerm(0, sign)],
                    gap=gap,
                    work=share / WORK_UNITS,
                    rows=rows,
                )
            )
        left -= meter.spent
    low, high = sides
    return (-low.upper, high.upper), (-low.lower, high.lower), low.leaves + high.leaves


def additive(run: Run) -> None:
    report = Report(run, "additive", ["table", "shape", "low", "high", "gap", "ms"], [18, 12, 10, 10, 10, 8])
    for case in cases(run, "additive"):
        net, where = case.view.network, case.columns.whole
        enclosed(net, where, 1.0)  # what is loaded at first use
        clock = Clock()
        (low, high), (least, most), _ = enclosed(net, where, 1.0)
        gap = (high - low) / (most - least) - 1
        report.add(case.name, str(list(net.shape)), low, high, gap, 1e3 * clock.seconds)
    report.save()


def output_range(run: Run) -> None:
    columns = ["network", "shape", "live", "low", "high", "gap, %", "CPU s", "leaves"]
    report = Report(run, "range", columns, [18, 12, 5, 10, 10, 8, 8, 8])
    found = [(case.name, case.view.network, case.columns.whole) for case in cases(run, "deep")]
    for seed in range(1 if run.quick else 3):
        net = ew.KAN([30, 16, 1], seed=seed)
        found.append((f"untrained, seed {seed}", net, Columns(fitted(net)).whole))
    for name, net, where in found:
        clock = Clock()
        (low, high), (least, most), leaves = enclosed(net, where, RANGE_UNITS)
        gap = 100 * max(high - most, least - low) / (most - least)
        live = live_nodes(fitted(net))
        report.add(name, str(list(net.shape)), live, low, high, gap, clock.seconds, leaves)
    close = sum(
        seconds < 5 and gap <= 1.0001
        for gap, seconds in zip(*map(report.column, ("gap, %", "CPU s")), strict=True)
    )
    report.note(
        f"Both ends within 1 % of the range in less than 5 CPU seconds: {close} of {len(found)} networks."
    )
    report.save()


def largest_change(case: Case) -> float:
    """By how much the protected column alone changes the output, at most, among many rows."""
    columns, net = case.columns, case.view.network
    where, g = columns.whole, columns.group(case.protected)
    X, group = drawn(where, 20_000, np.random.default_rng(0)), where.groups[g]
    outputs = list[np.ndarray]()
    for cell in group.cells:
        X[:, list(group.inputs)] = [low for low, _ in cell]
        outputs.append(net.predict(X)[:, 0])
    return float(np.ptp(outputs, 0).max())


def decisions(run: Run) -> None:
    columns = ["network", "property", "asked", "proved", "refuted", "undecided", "median s", "worst s"]
    report = Report(run, "decisions", columns, [18, 24, 6, 7, 8, 10, 9, 8])
    for case in cases(run, "deep"):
        sloping = [name for g, name in enumerate(case.columns.names) if case.columns.is_numbers(g)]
        sloping = sloping[: 2 if run.quick else 6]
        kinds = {
            "protected flip": [ew.properties.never_flips(case.protected, threshold=case.threshold)],
            "protected change": [
                ew.properties.changes_at_most(case.protected, factor * largest_change(case))
                for factor in (0.9, 1.25)
            ],
            "monotone": [
                ew.properties.monotone(name, way) for name in sloping for way in ("increasing", "decreasing")
            ],
        }
        for kind, listed in kinds.items():
            answers, seconds = Counter[str](), list[float]()
            for asked in listed:
                clock = Clock()
                # Goals share the seconds told, so these have to be those meant.
                answer = ew.verify(case.model, asked)
                seconds.append(clock.seconds)
                answers[answer.status] += 1
                if answer.status == "undecided":
                    report.notes.append(
                        f"Undecided, {case.name}: {asked}; by at most {answer.upper:.2g}, found {answer.lower:.2g}."
                    )
            told = [answers[status] for status in ("proved", "refuted", "undecided")]
            report.add(case.name, kind, len(listed), *told, float(np.median(seconds)), max(seconds))
    for sentence in report.notes:
        print(sentence)
    report.save()


def true_range(net: ew.KAN, where: Domain, count: int, seed: int = 0) -> tuple[float, float]:
    """Least and greatest output of many rows (of two inputs a dense grid) and of local searches from the best of them."""
    box = np.array([group.cells[0][0] for group in where.groups])
    if len(box) == 2:
        axes = [np.linspace(low, high, round(count**0.5)) for low, high in box]
        X = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 2)
    else:
        X = drawn(where, count, np.random.default_rng(seed))
    y, ends = net.predict(X)[:, 0], list[float]()
    for sign in (1.0, -1.0):
        starts = X[np.argsort(sign * y)[:5]]

        def value(x: np.ndarray, sign: float = sign) -> float:
            return sign * float(net.predict(x[None])[0, 0])

        best = min(minimize(value, x, bounds=list(map(tuple, box)), method="L-BFGS-B").fun for x in starts)
        ends.append(sign * min(best, float((sign * y).min())))
    return ends[0], ends[1]


def wide(shape: list[int], seed: int) -> tuple[ew.KAN, Domain]:
    """A random network in float64, its edges twice as steep as initialised."""
    net = ew.KAN(shape, seed=seed, dtype=torch.float64)
    with torch.no_grad():
        for layer in net.layers:
            layer.coef.mul_(2.0)
    return net, Columns(fitted(net)).whole


def twice_hidden(case: Case, X: pd.DataFrame, y: np.ndarray) -> ew.KAN:
    """A network of two hidden layers, fitted to a case's inputs as it encodes them."""
    inputs = case.columns.table(X)
    net = ew.KAN([inputs.shape[1], 8, 8, 1], seed=0, dtype=torch.float64)
    return ew.fit(net, inputs, np.asarray(y, float)).network


def ratios(
    run: Run, part: str, shapes: list[list[int]], seeds: int, gap: float, seconds: float, aim: float
) -> Report:
    columns = ["shape", "networks", "median ratio", "worst ratio", f"at most {aim}", "CPU s each"]
    report = Report(run, part, columns, [26, 8, 12, 12, 12, 10])
    for shape in shapes:
        ratio, clock, spent = list[float](), Clock(), 0.0
        for seed in range(seeds):
            net, where = wide(shape, seed)
            clock = Clock()
            (low, high), _, _ = enclosed(net, where, seconds, gap)
            spent += clock.seconds
            least, most = true_range(net, where, 250_000 if len(shape) == 3 else 50_000)
            ratio.append((high - low) / (most - least))
        met = f"{sum(r <= aim for r in ratio)} of {seeds}"
        report.add(str(shape), seeds, float(np.median(ratio)), max(ratio), met, spent / seeds)
    return report


def small(run: Run) -> None:
    ratios(run, "small", [[2, 8, 1]], 3 if run.quick else 20, 0.004, 10.0, 1.01).save()


def two_layers(run: Run) -> None:
    shapes, aim = [[2, 4, 4, 1], [6, 5, 3, 1], [10, 8, 8, 1], [30, 16, 8, 1]], 1.5
    seeds = 2 if run.quick else 3
    report = ratios(run, "two layers", shapes[: 2 if run.quick else None], seeds, 0.05, 10.0, aim)
    tables = {name: (X, y) for name, X, y, _, _ in fitted_tables(run)}
    for case in cases(run, "deep"):
        if case.name not in tables:
            continue  # another seed on a table that is there already
        net, clock = twice_hidden(case, *tables[case.name]), Clock()
        (low, high), found, _ = enclosed(net, case.columns.whole, 10.0, 0.05)
        spent = clock.seconds
        y = net.predict(drawn(case.columns.whole, 50_000, np.random.default_rng(0)))
        # Columns of words leave no slopes to follow: the best rows are those of the search.
        ratio = (high - low) / (max(found[1], float(y.max())) - min(found[0], float(y.min())))
        report.add(f"{case.name} {list(net.shape)}", 1, ratio, ratio, f"{int(ratio <= aim)} of 1", spent)
    report.save()


def robustness(run: Run) -> None:
    columns = ["network", "radius", "rows", "proved", "refuted", "decided, %", "ms a row", "worst ms"]
    report = Report(run, "robustness", columns, [18, 26, 6, 7, 8, 10, 9, 9])
    for case in cases(run, "deep"):
        if case.name in ("german", "made up"):
            continue  # next to additive (seed 1 has all its nodes); of a model of numbers nothing is decided
        count = 10 if run.quick else {"adult": 800}.get(case.name, 200)
        rows = case.rows.iloc[: min(count, len(case.rows))]
        sloping = [name for g, name in enumerate(case.columns.names) if case.columns.is_numbers(g)]
        spread = {name: 0.05 * float(np.std(case.rows[name].astype(float))) for name in sloping}
        for told, radius in (("5 % of the range", 0.05), ("5 % of the deviation", spread)):
            answers, ms = Counter[str](), list[float]()
            for k in range(len(rows)):
                clock = Clock()
                asked = ew.properties.robust(rows.iloc[[k]], radius)
                answers[ew.verify(case.model, asked, work=ROBUST_WORK).status] += 1
                ms.append(1e3 * clock.seconds)
            share = 100 * (1 - answers["undecided"] / len(rows))
            report.add(
                case.name,
                told,
                len(rows),
                answers["proved"],
                answers["refuted"],
                share,
                float(np.mean(ms)),
                max(ms),
            )
    report.save()


SHAPES = ((2, 1), (3, 2), (2, 2, 1), (3, 3, 1), (4, 2, 2), (2, 2, 2, 1), (3, 2, 2, 2))


def soundness(run: Run) -> None:
    """Random networks, domains and claims; each answer is held against random rows."""
    columns = [
        "networks",
        "points",
        "claims",
        "proved",
        "refuted",
        "undecided",
        "checked",
        "violations",
        "CPU s",
    ]
    report = Report(run, "soundness", columns, [9, 9, 8, 8, 8, 10, 8, 10, 8])
    count, clock, answers = 200 if run.quick else 10_000, Clock(), Counter[str]()
    points = checked = asked = wrong = 0
    with tempfile.TemporaryDirectory() as name:
        for seed in range(count):
            rng = np.random.default_rng([7, seed])
            shape = SHAPES[seed % len(SHAPES)]
            net = network(shape, rng, degree=int(rng.integers(1, 4)), size=float(rng.choice([0.2, 0.6, 3.0])))
            where = domain(shape[0], rng, budget=bool(rng.random() < 0.2))
            document = document_of({}, where, [], [])
            exact, prepared = copy.deepcopy(net).double(), prepare(net)
            # A budget leaves some of the rows drawn; as many more are drawn as it takes.
            X = np.zeros((0, shape[0]))
            while len(X) < 100:
                X = np.concatenate([X, rows_of(document["domain"], rng, 200)[0]])[:100]
            y = exact.predict(X)
            points += len(X)
            o, size = int(rng.integers(shape[-1])), ROUNDING * (1 + np.abs(y).max())
            for sign in (1.0, -1.0):
                bound = maximise(prepared, where, [OutputTerm(o, sign)], gap=0.05, work=5e-5)
                wrong += bool((sign * y[:, o]).max() > bound.upper + size)
                wrong += bound.witness is not None and bool(
                    abs(sign * exact.predict(bound.witness[None])[0, o] - bound.lower) > 10 * size
                )
            listed = claims(rng, shape[0], shape[-1])
            claim = listed[int(rng.integers(len(listed)))]
            proofs, status = list[dict[str, Any]](), "proved"
            for goal, own in goals_of(claim, where, shape[-1]):
                outcome = prove(prepared, own, goal, work=1.3e-4, seed=seed)
                status = outcome.status
                if outcome.witness is not None and status == "refuted":
                    # A row that breaks a claim by less than rounding breaks it as fractions.
                    close = GoalEvaluator([net]).excess(goal, own, outcome.witness[None])[0] <= size
                    wrong += (
                        close and exact_excess([net], make_space(own, shape[0]), goal, outcome.witness) <= 0
                    )
                if outcome.evidence is None:
                    break
                proofs.append(outcome.evidence)
            answers[status] += 1
            asked += 1
            made = document_of(claim, where, proofs, [])
            if status == "proved":
                wrong += broken_by(made, [net], rng, 100) > size
                if seed % 10 == 0:
                    file = Path(name) / "model.kan"
                    ew.save(net, file, overwrite=True)
                    made = document_of(claim, where, proofs, [file])
                    wrong += not check(write(made, Path(name) / "proof.json"), file).accepted
                    checked += 1
    report.add(
        count,
        points,
        asked,
        *(answers[status] for status in ("proved", "refuted", "undecided")),
        checked,
        wrong,
        clock.seconds,
    )
    report.note(
        f"{points:,} random points of {count:,} random networks: {wrong} of them outside certified bounds, against a "
        f"proved claim, or answers that {checked:,} certificates before the checker did not bear out."
    )
    report.save()


PARTS: dict[str, Callable[[Run], None]] = {
    "additive": additive,
    "range": output_range,
    "decisions": decisions,
    "small": small,
    "robustness": robustness,
    "two layers": two_layers,
    "soundness": soundness,
}


def main() -> None:
    run = begin("proofs", "proofs: ranges, flips, monotonicity, robustness, soundness")
    for name in os.environ.get("PROOFS_PARTS", ";".join(PARTS)).split(";"):
        print(f"\n## {name}\n")
        PARTS[name](run)


if __name__ == "__main__":
    main()
