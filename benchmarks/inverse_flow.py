"""Convection and viscosity of a flow from scattered velocities with 1 % noise, and how often 95 % intervals hold them.

Eddies that a stream carries along, an exact solution of the Navier-Stokes equations without any symmetry that would hide a
constant; nothing is told of the boundary, the start or the pressure. Rows are kept in out/inverse_flow.csv as they come; a
second call goes on where the first ended, `--repeats` says how far.
"""

from __future__ import annotations

import csv
import sys
from typing import Any

import numpy as np
from _common import OUT, Clock, Report, begin

from edgewise import pde

NU, CONVECTION, NOISE = 0.01, 1.0, 0.01
# Both waves have the same length, so that they decay alike and do not bend each other.
WAVES, DEPTH = ((3.0, 2.0), (2.0, -3.0)), 0.3
COLUMNS = ("rows", "seed", "convection error %", "viscosity error %", "held a", "held nu", "flagged", "CPU s")


def velocities(x: Any, y: Any, t: Any) -> tuple[Any, Any]:
    """Exact velocities of the carried eddies."""
    (a, b), (c, d) = WAVES
    fall = DEPTH * np.exp(-NU * (a * a + b * b) * t)
    one, two = -np.sin(a * (x - t) + b * y), np.cos(c * (x - t) + d * y)
    return 1 + fall * (b * one + d * two), -fall * (a * one + c * two)


def row(rows: int, seed: int) -> tuple[Any, ...]:
    """One identification from so many places, two velocities each."""
    r = np.random.default_rng(seed)
    at = r.uniform(0, 2, (3, rows))
    true = velocities(*at)
    sizes = [NOISE * float(np.std(each)) for each in true]
    seen = [each + size * r.standard_normal(rows) for each, size in zip(true, sizes, strict=True)]
    x, y = pde.coordinates("x", "y")
    t = pde.time()
    psi = pde.unknown("psi", x, y, t)
    a, nu = pde.constant("a", guess=0.5), pde.constant("nu", guess=0.05, bounds=(1e-4, 1))
    flow, vorticity = pde.curl(psi), -pde.lap(psi)
    carried = flow[0] * pde.dx(vorticity, x) + flow[1] * pde.dx(vorticity, y)
    block = pde.box({x: (0, 2), y: (0, 2), t: (0, 2)})
    problem = pde.Problem(block, [pde.dx(vorticity, t) + a * carried == nu * pde.lap(vorticity)])
    places = dict(zip((x, y, t), at, strict=True))
    clock = Clock()
    data = [pde.data(part, places, v, sigma=s) for part, v, s in zip(flow, seen, sizes, strict=True)]
    found = pde.identify(problem, data)
    wanted = {"a": CONVECTION, "nu": NU}
    errors = [100 * abs(found[name].value / true - 1) for name, true in wanted.items()]
    held = [found[name].low <= true <= found[name].high for name, true in wanted.items()]
    return rows, seed, *errors, *held, bool(found.warnings), clock.seconds


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
    done = {(int(rows), int(seed)): rest for rows, seed, *rest in kept[1:]}
    plan = [(500, seed) for seed in range(1 if run.quick else repeats)]
    plan += [] if run.quick else [(5000, seed) for seed in range(5)]
    report = Report(run, "flow", COLUMNS, 8)
    with file.open("a", newline="") as out:
        write = csv.writer(out)
        if not kept:
            write.writerow(COLUMNS)
        for key in plan:
            if rest := done.get(key):
                a, nu, held_a, held_nu, flagged, seconds = rest
                told = [each == "True" for each in (held_a, held_nu, flagged)]
                report.add(*key, float(a), float(nu), *told, float(seconds))
                continue
            cells = row(*key)
            write.writerow(cells)
            out.flush()
            report.add(*cells)
    few = [each for each in report.rows if each[0] == 500]
    held = [sum(bool(each[n]) for each in few) for n in (4, 5)]
    report.note(f"95 % intervals held convection {held[0]} and viscosity {held[1]} of {len(few)} times.")
    report.save()


if __name__ == "__main__":
    main()
