"""From measured fields to the law, and constants from scattered values: five seeds, errors against what made the data.

Rows are kept in out/equations_inverse.csv as they come; a second call goes on where the first ended.
"""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import etdrk4
import numpy as np
import vortices
from _common import OUT, Clock, Report, begin

from edgewise import pde

Fields = dict[str, np.ndarray]
NOISES, SEEDS = (0.01, 0.05), range(5)
COLUMNS = (
    "law",
    "noise",
    "seed",
    "right terms",
    "largest error %",
    "largest stated error %",
    "CPU s",
    "found",
)


@dataclass(frozen=True)
class Case:
    """Fields of a law that is known."""

    fields: Fields
    coordinates: Fields
    law: dict[str, float]
    periodic: tuple[str, ...] = ()
    left: str | None = None
    degree: int = 3


def periodic_line(linear: Any, nonlinear: Any, start: Any, law: dict[str, float]) -> Case:
    x, t, u = etdrk4.solve(linear, nonlinear, start, (-1, 1), 1.0, modes=512, steps=10_000, times=100)
    return Case({"u": u[::2]}, {"x": x[::2], "t": t}, law, ("x",))


def burgers() -> Case:
    return periodic_line(
        lambda k: -0.02 * k**2,
        lambda k, u: -0.5j * k * np.fft.fft(u**2),
        lambda x: -np.sin(np.pi * x),
        {"u*u_x": -1, "u_xx": 0.02},
    )


def korteweg_de_vries() -> Case:
    return periodic_line(
        lambda k: 1j * 0.022**2 * k**3,
        lambda k, u: -0.5j * k * np.fft.fft(u**2),
        lambda x: np.cos(np.pi * x),
        {"u*u_x": -1, "u_xxx": -(0.022**2)},
    )


def kuramoto_sivashinsky() -> Case:
    return periodic_line(
        lambda k: 0.5 * k**2 - 0.005 * k**4,
        lambda k, u: -2.5j * k * np.fft.fft(u**2),
        lambda x: -np.sin(np.pi * x),
        {"u*u_x": -5, "u_xx": -0.5, "u_xxxx": -0.005},
    )


def heat() -> Case:
    x, t = np.linspace(0, 1, 65), np.linspace(0, 0.1, 41)
    a, b, c = np.meshgrid(x, x, t, indexing="ij")
    first = np.sin(np.pi * a) * np.sin(np.pi * b) * np.exp(-2 * np.pi**2 * c)
    second = np.sin(3 * np.pi * a) * np.sin(2 * np.pi * b) * np.exp(-13 * np.pi**2 * c)
    return Case({"u": first + 0.5 * second}, {"x": x, "y": x, "t": t}, {"lap(u)": 1})


def vorticity() -> Case:
    x, t, fields = vortices.solve(modes=128)
    law = {"u*w_x": -1, "v*w_y": -1, "lap(w)": 0.01}
    thin = {name: values[::2, ::2] for name, values in fields.items()}
    return Case(thin, {"x": x[::2], "y": x[::2], "t": t}, law, ("x", "y"), "w_t", 2)


CASES: dict[str, Callable[[], Case]] = {
    "burgers": burgers,
    "korteweg-de vries": korteweg_de_vries,
    "kuramoto-sivashinsky": kuramoto_sivashinsky,
    "heat": heat,
    "vorticity": vorticity,
}


def row(name: str, case: Case, noise: float, seed: int) -> tuple[Any, ...]:
    random = np.random.default_rng(seed)
    given = {n: v + noise * v.std() * random.standard_normal(v.shape) for n, v in case.fields.items()}
    clock = Clock()
    found = pde.discover(
        given, case.coordinates, periodic=case.periodic, left=case.left, degree=case.degree, seed=seed
    )
    law, seconds = found.laws[0], clock.seconds
    right = set(law.coefficients) == set(case.law)
    worst = max(abs(law.coefficients.get(t, 0.0) / c - 1) for t, c in case.law.items())
    stated = max((abs(t.error / t.coefficient) for t in law.terms), default=float("nan"))
    return name, noise, seed, right, 100 * worst, 100 * stated, seconds, law.text


def main() -> None:
    run = begin("equations_inverse", "Laws from measured fields")
    OUT.mkdir(exist_ok=True)
    file = OUT / f"equations_inverse{'-quick' if run.quick else ''}.csv"
    kept = list(csv.reader(file.open())) if file.is_file() else []
    done = {(name, float(noise), int(seed)): rest for name, noise, seed, *rest in kept[1:]}
    report = Report(run, "discovery", COLUMNS[:-1], (22, 6, 5, 11, 15, 22, 8))
    with file.open("a", newline="") as out:
        write = csv.writer(out)
        if not kept:
            write.writerow(COLUMNS)
        for name in list(CASES)[:1] if run.quick else CASES:
            case: Case | None = None
            for noise in NOISES:
                for seed in range(1) if run.quick else SEEDS:
                    if rest := done.get((name, noise, seed)):
                        right, *numbers = rest[:-1]
                        report.add(name, noise, seed, right == "True", *map(float, numbers))
                        continue
                    case = case or CASES[name]()
                    cells = row(name, case, noise, seed)
                    write.writerow(cells)
                    out.flush()
                    report.add(*cells[:-1])
    report.note(
        "Errors of coefficients are the largest of a law; noise in units of the fields' standard deviations."
    )
    report.save()


if __name__ == "__main__":
    main()
