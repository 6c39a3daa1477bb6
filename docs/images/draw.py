"""Draws the pictures of the README anew: python docs/images/draw.py."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.image import imread

import edgewise as ew
from edgewise.plots.mathtext import expression_mathtext
from edgewise.plots.save import save_figure
from edgewise.plots.style import LIGHT, SIZE_TITLE, math_style, new_figure, text_style

HERE = Path(__file__).parent
DPI = 200
TITLE, GAP, FORMULA = 0.4, 0.55, 0.9


def main() -> None:
    """Train, simplify, find the formula; draw each stage, and all of them on one page."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (1000, 2))
    y = np.exp(np.sin(np.pi * X[:, 0]) + X[:, 1] ** 2)
    trained = ew.fit(ew.KAN([2, 5, 1], seed=0, dtype=torch.float64), X, y, seed=0).network
    simplified = ew.simplify(trained, X, y, seed=0).network
    found = ew.find_formula(X, y, names=("x1", "x2"), seconds=30, seed=0)
    symbolic = ew.snap(simplified, X, y).network
    stages = {"trained": trained, "simplified": simplified, "closed forms": symbolic}
    figures = {name: ew.plot_network(net, X) for name, net in stages.items()}
    for name, figure in figures.items():
        save_figure(figure, HERE / f"network-{name.replace(' ', '-')}.svg")
    save_figure(overview(figures, found.best.sympy), HERE / "demo.png", dpi=DPI)


def overview(figures: dict[str, Figure], formula: Any) -> Figure:
    """The first stage on the left; on the right the others beneath each other, and the formula."""
    names = list(figures)
    sizes = {name: figure.get_size_inches() for name, figure in figures.items()}
    first, rest = names[0], names[1:]
    column = max(sizes[name][0] for name in rest)
    stack = sum(sizes[name][1] + TITLE for name in rest) + GAP * len(rest) + FORMULA
    width, height = sizes[first][0] + GAP + column, max(sizes[first][1] + TITLE, stack)
    page = new_figure(width, height, LIGHT)

    def place(name: str, left: float, top: float) -> None:
        w, h = sizes[name]
        axes = page.add_axes((left / width, (top - TITLE - h) / height, w / width, h / height))
        axes.set_axis_off()
        axes.imshow(pixels(figures[name]), aspect="auto", interpolation="antialiased")
        style = text_style(LIGHT, SIZE_TITLE, LIGHT.muted)
        page.text((left + 0.12) / width, (top - 0.1) / height, name, ha="left", va="top", **style)

    place(first, 0.0, (height + sizes[first][1] + TITLE) / 2)
    left, top = sizes[first][0] + GAP, (height + stack) / 2
    for name in rest:
        place(name, left, top)
        top -= TITLE + sizes[name][1] + GAP
    at = ((left + column / 2) / width, (top - FORMULA / 2) / height)
    page.text(*at, f"$y = {expression_mathtext(formula)}$", ha="center", va="center", **math_style(LIGHT, 18))
    return page


def pixels(figure: Figure) -> np.ndarray:
    """The figure as an image."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=2 * DPI)
    stream.seek(0)
    return imread(stream)


if __name__ == "__main__":
    main()
