"""Accuracy against parameters: error curves of the trainings in out/images.csv, and their slopes.

    python benchmarks/images.py --only mnist,mnist1d --kinds kan,cnn,mlp --sizes 1000,3000,10000,30000,100000 --data FOLDER
    python benchmarks/image_sizes.py [--quick]

Draws docs/images/images-sizes.svg. A slope is that of the logarithm of the error by the logarithm of the parameters, by
least squares over the sizes; where there are several seeds their mean error counts.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

import _common
import numpy as np
from images import Row
from matplotlib.figure import Figure
from matplotlib.ticker import NullFormatter, StrMethodFormatter

from edgewise.plots.save import save_figure
from edgewise.plots.style import LIGHT, SIZE_SMALL, SIZE_TITLE, new_figure, text_style

PLOT = Path(__file__).parent.parent / "docs" / "images" / "images-sizes.svg"
DATA = {"mnist": "MNIST", "mnist1d": "MNIST-1D"}
KINDS = {"kan": "functions", "cnn": "ordinary convolutions", "mlp": "perceptron"}


def curve(rows: Sequence[Row], data: str, kind: str) -> list[tuple[int, float, float, float]]:
    """For each size the parameters, and the mean, least and largest error in per cent."""
    found = list[tuple[int, float, float, float]]()
    own = [r for r in rows if r.data == data and r.kind == kind and not r.quick]
    for size in sorted({r.size for r in own}):
        cell = [r for r in own if r.size == size]
        errors = [100 * (1 - r.accuracy) for r in cell]
        found.append((cell[0].parameters, float(np.mean(errors)), min(errors), max(errors)))
    return found


def slope(points: Sequence[tuple[int, float, float, float]]) -> float:
    """Of the logarithm of the error by that of the parameters."""
    count, error = (np.log([max(p[k], 1e-3) for p in points]) for k in (0, 1))
    return float(np.polyfit(count, error, 1)[0])


def drawing(rows: Sequence[Row]) -> Figure:
    shown = {data: name for data, name in DATA.items() if len(curve(rows, data, "kan")) > 1}
    figure = new_figure(0.3 + 3.7 * len(shown), 3.0, LIGHT)
    for n, (data, name) in enumerate(shown.items(), 1):
        axes = figure.add_subplot(1, len(shown), n)
        axes.set_title(name, **text_style(LIGHT, SIZE_TITLE))
        for (kind, label), colour in zip(
            KINDS.items(), (LIGHT.numeric, LIGHT.symbolic, LIGHT.muted), strict=True
        ):
            points = curve(rows, data, kind)
            if not points:
                continue
            x, mean, low, high = (np.array(item) for item in zip(*points, strict=True))
            axes.fill_between(x, low, high, color=colour, alpha=0.15, linewidth=0)
            axes.plot(x, mean, marker="o", markersize=3, linewidth=1.2, color=colour, label=label)
        axes.set_xscale("log")
        axes.set_yscale("log")
        axes.set_xlabel("parameters", **text_style(LIGHT, SIZE_SMALL))
        axes.set_ylabel("test error, %", **text_style(LIGHT, SIZE_SMALL))
        axes.tick_params(labelsize=SIZE_SMALL, colors=LIGHT.muted)
        axes.grid(color=LIGHT.line, linewidth=0.6)
        axes.yaxis.set_major_formatter(StrMethodFormatter("{x:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        for side in ("top", "right"):
            axes.spines[side].set_visible(False)
        if n == 1:
            axes.legend(fontsize=SIZE_SMALL, frameon=False)
    figure.tight_layout()
    return figure


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="benchmarks/image_sizes.py", description=(__doc__ or "").split("\n")[0]
    )
    _common.common_options(parser, "the same: nothing is trained here")
    parser.parse_args()
    rows = _common.kept_rows(_common.OUT / "images.csv", Row)
    if not any(len(curve(rows, data, "kan")) > 1 for data in DATA):
        print("skipped: out/images.csv holds no trainings of several sizes on MNIST or MNIST-1D")
        return
    print("| data | kind | parameters: error % | slope |\n|---|---|---|---|")
    for data, name in DATA.items():
        for kind, label in KINDS.items():
            points = curve(rows, data, kind)
            told = ", ".join(f"{p[0]:,}: {p[1]:.2f}" for p in points)
            print(f"| {name} | {label} | {told} | {slope(points):.2f} |" if len(points) > 1 else "")
    save_figure(drawing(rows), PLOT)


if __name__ == "__main__":
    main()
