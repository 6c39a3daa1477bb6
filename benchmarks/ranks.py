"""How many products a(x) b(y) each special function needs: what any architecture for them has to hold."""

from __future__ import annotations

import numpy as np
from _common import Report, begin
from special import FUNCTIONS, Function


def ranks(function: Function, targets: list[float], count: int = 200) -> list[int]:
    """Fewest terms whose sum has an RMSE of at most each target, by singular values on Chebyshev points."""
    share = (1 - np.cos(np.pi * (np.arange(count) + 0.5) / count)) / 2
    x, y = (low + (high - low) * share for low, high in function.ranges)
    table = function.value(*np.meshgrid(x, y, indexing="ij"))
    singular = np.linalg.svd(table, compute_uv=False)
    left = np.sqrt(np.cumsum(np.square(singular[::-1]))[::-1] / table.size)
    return [int((left > target).sum()) for target in targets]


def main() -> None:
    run = begin("ranks", "products that the special functions need")
    report = Report(run, "ranks", ["function", "for the paper's error", "for 100 times less"])
    for function in FUNCTIONS:
        report.add(function.name, *ranks(function, [function.paper_kan, function.paper_kan / 100]))
    report.save()


if __name__ == "__main__":
    main()
