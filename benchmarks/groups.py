"""One law, eight groups with constants of their own: what is found without noise and with it.

    python benchmarks/groups.py [--noise 0 --noise 0.1] [--kinds cooling,swing]

Noise is a share of the standard deviation of y. A law counts as found where its values, with the fitted constants, are
within half of the noise of the true ones (1e-6 of their spread without noise), and groups have as many constants as drawn.
"""

from __future__ import annotations

import argparse
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np
from _common import common_options
from numpy.typing import NDArray

from edgewise.symbolic import find_formula

Floats = NDArray[np.float64]
GROUPS, ROWS = 8, 40


def laws() -> dict[str, tuple[Floats, Floats, tuple[str, ...], int]]:
    """Columns, values, names, and how many constants each group has of its own."""
    rng = np.random.default_rng(1)
    t = np.tile(np.linspace(0, 6, ROWS), GROUPS)
    x, z = rng.uniform(1, 4, GROUPS * ROWS), rng.uniform(0.5, 2, GROUPS * ROWS)

    def own(low: float, high: float) -> Floats:
        return np.repeat(rng.uniform(low, high, GROUPS), ROWS)

    swing = own(1, 3) * np.exp(-own(0.1, 0.4) * t) * np.cos(own(2, 4) * t + own(0, 1))
    return {
        "cooling": (t[:, None], 20 + own(30, 70) * np.exp(-own(0.2, 1) * t), ("t",), 2),
        "swing": (t[:, None], swing, ("t",), 4),
        "power": (np.column_stack([x, z]), own(1, 5) * x**1.5 / z + own(0, 3), ("x", "z"), 2),
        "saturation": (x[:, None], own(2, 8) * x / (own(0.5, 2) + x), ("s",), 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--noise", type=float, action="append")
    parser.add_argument("--kinds", default="")
    common_options(parser, "one kind, without noise")
    asked = parser.parse_args()
    if asked.quick:
        asked.kinds, asked.noise = "cooling", [0.0]
    groups = np.repeat([f"g{at}" for at in range(GROUPS)], ROWS)
    for noise in asked.noise or [0.0, 0.1]:
        right = 0
        kinds = {
            kind: law for kind, law in laws().items() if not asked.kinds or kind in asked.kinds.split(",")
        }
        for kind, (X, y, names, count) in kinds.items():
            rows = y + noise * y.std() * np.random.default_rng(0).normal(size=len(y))
            began = time.process_time()
            best = find_formula(X, rows, groups=groups, names=names).best
            off = float(np.sqrt(np.mean(np.square(best.predict(X, groups) - y)))) / y.std()
            good = off <= (0.5 * noise if noise else 1e-6) and len(best.own["g0"]) == count
            right += good
            spent = time.process_time() - began
            print(
                f"{noise:g} {kind}: {'found' if good else 'MISSED'} {best.text} off {off:.2g}, {spent:.1f} CPU s"
            )
        print(f"noise {noise:g}: {right} of {len(kinds)}")


if __name__ == "__main__":
    main()
