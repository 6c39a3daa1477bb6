"""Convection and viscosity of a flow from scattered velocities with 1 % noise, and how often 95 % intervals hold them.

Two opposite vortices in a shear on a torus, by Fourier modes on 128 x 128 places and 800 steps of time (vortices.py);
velocities at random places and times are exact sums of their modes. Nothing is told of the start or of the pressure. Rows
are kept in out/inverse_flow.csv as they come; a second call goes on where the first ended, `--repeats` says how far.
"""

from __future__ import annotations

import csv
import sys
from functools import cache
from typing import Any

import numpy as np
import vortices
from _common import OUT, Clock, Report, begin
from scipy.interpolate import make_interp_spline

from edgewise import pde

NU, CONVECTION, NOISE, END = 0.01, 1.0, 0.01, 4.0
COLUMNS = (
    "rows",
    "seed",
    "convection off %",
    "viscosity off %",
    "stated a %",
    "stated nu %",
    "held a",
    "held nu",
    "flagged",
    "CPU s",
)


@cache
def modes_of(places: int) -> tuple[dict[str, Any], dict[str, float]]:
    """Modes of the velocities as splines of time, and the standard deviations of these."""
    _, times, fields = vortices.solve(modes=places, end=END, steps=800, times=200)
    found: dict[str, Any] = {}
    for name in "uv":
        modes = np.fft.rfft2(fields[name], axes=(0, 1)) / places**2
        modes[:, 1:] *= 2
        found[name] = make_interp_spline(times, np.moveaxis(modes, 2, 0), k=7)
    return found, {name: float(fields[name].std()) for name in "uv"}


def measured(rows: int, seed: int, places: int) -> tuple[np.ndarray, dict[str, np.ndarray], dict[str, float]]:
    """Places and times (3, rows), velocities there with noise, and its size."""
    r = np.random.default_rng(seed)
    at = r.uniform(0, 1, (3, rows)) * np.array([[2 * np.pi], [2 * np.pi], [END]])
    modes, sizes = modes_of(places)
    k, half = np.fft.fftfreq(places, 1 / places), np.arange(places // 2 + 1)
    seen: dict[str, np.ndarray] = {}
    for name, spline in modes.items():
        exact = [float((np.exp(1j * k * x) @ spline(t) @ np.exp(1j * half * y)).real) for x, y, t in at.T]
        seen[name] = np.array(exact) + NOISE * sizes[name] * r.standard_normal(rows)
    return at, seen, {name: NOISE * size for name, size in sizes.items()}


def row(rows: int, seed: int, places: int) -> tuple[Any, ...]:
    """One identification from so many places, two velocities each."""
    at, seen, sizes = measured(rows, seed, places)
    x, y = pde.coordinates("x", "y")
    t = pde.time()
    psi = pde.unknown("psi", x, y, t)
    a, nu = pde.constant("a", guess=0.5), pde.constant("nu", guess=0.05, bounds=(1e-4, 1))
    flow, vorticity = pde.curl(psi), -pde.lap(psi)
    carried = flow[0] * pde.dx(vorticity, x) + flow[1] * pde.dx(vorticity, y)
    torus = pde.box({x: (0, 2 * np.pi), y: (0, 2 * np.pi), t: (0, END)}, periodic=(x, y))
    problem = pde.Problem(torus, [pde.dx(vorticity, t) + a * carried == nu * pde.lap(vorticity)])
    where = dict(zip((x, y, t), at, strict=True))
    clock = Clock()
    data = [
        pde.data(part, where, seen[name], sigma=sizes[name]) for part, name in zip(flow, "uv", strict=True)
    ]
    found = pde.identify(problem, data)
    wanted = {"a": CONVECTION, "nu": NU}
    errors = [100 * (found[name].value / true - 1) for name, true in wanted.items()]
    stated = [100 * found[name].error / true for name, true in wanted.items()]
    held = [found[name].low <= true <= found[name].high for name, true in wanted.items()]
    return rows, seed, *errors, *stated, *held, bool(found.warnings), clock.seconds


def main() -> None:
    repeats = 100
    if "--repeats" in sys.argv:
        at = sys.argv.index("--repeats")
        repeats = int(sys.argv[at + 1])
        del sys.argv[at : at + 2]
    run = begin("inverse_flow", "A flow's constants from scattered velocities")
    OUT.mkdir(exist_ok=True)
    file = OUT / f"inverse_flow{'-quick' if run.quick else ''}.csv"
    kept = list(csv.reader(file.open())) if file.is_file() else []
    kept = kept if kept and tuple(kept[0]) == COLUMNS else []
    done = {(int(rows), int(seed)): rest for rows, seed, *rest in kept[1:]}
    plan = [(100 if run.quick else 500, seed) for seed in range(1 if run.quick else repeats)]
    plan += [] if run.quick else [(5000, seed) for seed in range(min(repeats, 5))]
    report = Report(run, "flow", COLUMNS, 8)
    with file.open("a" if kept else "w", newline="") as out:
        write = csv.writer(out)
        if not kept:
            write.writerow(COLUMNS)
        for key in plan:
            if rest := done.get(key):
                *numbers, held_a, held_nu, flagged, seconds = rest
                told = [item == "True" for item in (held_a, held_nu, flagged)]
                report.add(*key, *map(float, numbers), *told, float(seconds))
                continue
            cells = row(*key, 64 if run.quick else 128)
            write.writerow(cells)
            out.flush()
            report.add(*cells)
    few = [item for item in report.rows if item[0] == 500]
    held = [sum(bool(item[n]) for item in few) for n in (6, 7)]
    report.note(f"95 % intervals held convection {held[0]} and viscosity {held[1]} of {len(few)} times.")
    report.save()


if __name__ == "__main__":
    main()
