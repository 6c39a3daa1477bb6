"""NIST StRD, 27 nonlinear regression problems with certified answers (https://www.itl.nist.gov/div898/strd/nls/nls_main.shtml).

(a) The published model, fitted by `fit_constants` from both published starting values: digits that agree with the certified
parameters. From no start the residuals are compared, for then nothing says which of two like terms comes first.
(b) No model given: error of small KANs on rows left out (five folds), and residual standard deviation of the formula found,
beside the certified residual standard deviation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from _common import Clock, Report, Run, begin
from sklearn.model_selection import KFold

import edgewise as ew

# Certified values have eleven digits; beyond that agreement means nothing.
MOST_DIGITS = 11.0
# CPU seconds that a KAN and a formula search may take.
# Work of a search, as a share of the normal.
WORK = 1 / 3


@dataclass(frozen=True)
class Problem:
    """One file: rows, the model's text and what is certified."""

    X: np.ndarray
    y: np.ndarray
    columns: tuple[str, ...]
    model: str
    starts: tuple[np.ndarray, np.ndarray]
    certified: np.ndarray
    deviation: float

    @property
    def labels(self) -> list[str]:
        """What the model calls its parameters."""
        return [f"b{k + 1}" for k in range(len(self.certified))]


def read(file: Path) -> Problem:
    """Everything from the file itself; its first lines say where the data lie."""
    content = file.read_text()
    lines = content.splitlines()
    first, last = (int(n) for n in re.search(r"Data\s+\(lines\s+(\d+)\s+to\s+(\d+)\)", content).groups())
    rows = np.array([[float(cell) for cell in line.split()] for line in lines[first - 1 : last]])
    values = re.findall(r"^\s*b\d+\s*=\s*(\S+)\s+(\S+)\s+(\S+)\s+\S+\s*$", content, re.MULTILINE)
    start1, start2, certified = np.array(values, dtype=float).T
    deviation = float(re.search(r"Residual Standard Deviation:\s*(\S+)", content).group(1))
    left, right = re.search(
        r"^\s*(y|log\[y\])\s*=(.*?)\+\s*e\s*$", content, re.MULTILINE | re.DOTALL
    ).groups()
    y = np.log(rows[:, 0]) if left.startswith("log") else rows[:, 0]
    columns = ("x",) if rows.shape[1] == 2 else tuple(f"x{k}" for k in range(1, rows.shape[1]))
    return Problem(rows[:, 1:], y, columns, _language(right), (start1, start2), certified, deviation)


def _language(model: str) -> str:
    """NIST's way of writing in edgewise's."""
    return " ".join(model.split()).translate({ord("["): "(", ord("]"): ")"}).replace("**", "^")


def digits(found: np.ndarray, certified: np.ndarray) -> float:
    """The least number of digits over the parameters, as the log relative error."""
    with np.errstate(divide="ignore"):
        each = -np.log10(np.abs(found - certified) / np.abs(certified))
    return float(np.clip(np.nan_to_num(each, nan=0.0, posinf=MOST_DIGITS), 0.0, MOST_DIGITS).min())


def constants(problem: Problem, start: np.ndarray | None) -> tuple[float, float]:
    """Digits of the fit from a starting value, or none, and its residual standard deviation."""
    given = None if start is None else dict(zip(problem.labels, start.tolist(), strict=True))
    found = ew.fit_constants(problem.X, problem.y, problem.model, names=problem.columns, start=given)
    values = np.array([found.constants[label].value for label in problem.labels])
    return digits(values, problem.certified), found.deviation


def refits(run: Run, problems: dict[str, Problem]) -> None:
    print("## Published models refitted\n")
    columns = ["parameters", "digits 1", "digits 2", "deviation / certified", "without a start", "CPU s"]
    report = Report(run, "refits", ["problem", *columns], 9)
    for name, problem in problems.items():
        clock = Clock()
        fits = [constants(problem, start) for start in (*problem.starts, None)]
        one, two = (digits for digits, _ in fits[:2])
        _, far, blind = (deviation / problem.deviation for _, deviation in fits)
        report.add(name, len(problem.certified), one, two, far, blind, clock.seconds)
    for which in ("digits 1", "digits 2"):
        got = np.array(report.column(which))
        report.note(
            f"{which}: at least 6 on {(got >= 6).sum()} of {len(got)}, median {np.median(got):.1f}, least {got.min():.1f}."
        )
    blind = np.array(report.column("without a start"))
    report.note(f"Without a start: the certified minimum on {(blind <= 1 + 1e-4).sum()} of {len(blind)}.")
    report.save()


def free(run: Run, problems: dict[str, Problem]) -> None:
    print("## No model given\n")
    columns = ["problem", "rows", "certified", "[d, 1]", "[d, 3, 1]", "formula", "CPU s", "what was found"]
    report = Report(run, "free", columns, [9, 4, 9, 9, 9, 9, 6, 40])
    for name, problem in problems.items():
        clock = Clock()
        d = problem.X.shape[1]
        deviations = [_kan_deviation(problem, shape) for shape in ([d, 1], [d, 3, 1])]
        search = ew.find_formula(problem.X, problem.y, names=problem.columns, work=WORK, seed=0)
        found = search.best
        residual = problem.y - found.predict(problem.X)
        deviation = _deviation(residual, len(found.constants))
        report.add(name, len(problem.y), problem.deviation, *deviations, deviation, clock.seconds, found.text)
    ratio = np.array(report.column("formula")) / np.array(report.column("certified"))
    report.note(
        f"Formula against the certified model: residual deviation at most 1.05 times on {(ratio <= 1.05).sum()} of "
        f"{len(ratio)}, at most 2 times on {(ratio <= 2).sum()}; median {np.median(ratio):.2f}."
    )
    report.save()


def _kan_deviation(problem: Problem, shape: list[int]) -> float:
    """Residual deviation on rows left out, five folds: a spline's own residuals would flatter it."""
    residuals = list[np.ndarray]()
    for train, test in KFold(5, shuffle=True, random_state=0).split(problem.X):
        net = ew.KAN(shape, seed=0)
        starts = 4 if len(shape) > 2 else 1
        result = ew.fit(net, problem.X[train], problem.y[train], starts=starts)
        residuals.append(problem.y[test] - result.network.predict(problem.X[test])[:, 0])
    return float(np.sqrt(np.mean(np.square(np.concatenate(residuals)))))


def _deviation(residual: np.ndarray, freedom: int) -> float:
    return float(np.sqrt(residual @ residual / max(len(residual) - freedom, 1)))


def main() -> None:
    run = begin("nist", "NIST StRD nonlinear regression")
    files = run.tables("nist_strd", "*.dat")
    problems = {file.stem: read(file) for file in (files[:4] if run.quick else files)}
    if problems:
        refits(run, problems)
        free(run, problems)


if __name__ == "__main__":
    main()
