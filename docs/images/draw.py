"""Draws the pictures of the README anew: python docs/images/draw.py."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.image import imread

import edgewise as ew
from edgewise.plots.mathtext import expression_mathtext
from edgewise.plots.save import save_figure
from edgewise.plots.style import LIGHT, SIZE_TEXT, math_style, new_figure, text_style

HERE = Path(__file__).parent
DPI = 200
GAP, TOP, FOOT = 0.7, 0.35, 0.55


def main() -> None:
    """Train, simplify, find the formula; draw each stage, and all of them side by side."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (1000, 2))
    y = np.exp(np.sin(np.pi * X[:, 0]) + X[:, 1] ** 2)
    trained = ew.fit(ew.KAN([2, 5, 1], seed=0, dtype=torch.float64), X, y, seed=0).network
    simplified = ew.simplify(trained, X, y, seed=0).network
    found = ew.find_formula(X, y, names=("x1", "x2"), seconds=30, seed=0)
    symbolic = ew.snap(simplified, X, y).network
    stages = {"trained": trained, "simplified": simplified, "symbolic": symbolic}
    figures = {name: ew.plot_network(net, X) for name, net in stages.items()}
    for name, figure in figures.items():
        save_figure(figure, HERE / f"network-{name}.svg")
    save_figure(side_by_side(figures, found.best.sympy), HERE / "demo.png", dpi=DPI)


def side_by_side(figures: dict[str, Figure], formula: object) -> Figure:
    """The stages from left to right, the formula beneath the last."""
    sizes = [figure.get_size_inches() for figure in figures.values()]
    width = sum(w for w, _ in sizes) + GAP * (len(sizes) - 1)
    height = max(h for _, h in sizes)
    page = new_figure(width, height + TOP, LIGHT)
    left = 0.0
    for (name, figure), (w, h) in zip(figures.items(), sizes, strict=True):
        bottom = (height - h) / 2
        axes = page.add_axes((left / width, bottom / (height + TOP), w / width, h / (height + TOP)))
        axes.set_axis_off()
        axes.imshow(pixels(figure), aspect="auto", interpolation="antialiased")
        top = (bottom + h + 0.08) / (height + TOP)
        page.text((left + w / 2) / width, top, name, ha="center", va="bottom", **text_style(LIGHT, SIZE_TEXT, LIGHT.muted))
        left += w + GAP
    at = ((left - GAP - sizes[-1][0] / 2) / width, ((height - sizes[-1][1]) / 2 - FOOT) / (height + TOP))
    page.text(*at, f"$y = {expression_mathtext(formula)}$", ha="center", va="center", **math_style(LIGHT, 1.35 * SIZE_TEXT))
    return page


def pixels(figure: Figure) -> np.ndarray:
    """The figure as an image."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=2 * DPI)
    stream.seek(0)
    return imread(stream)


if __name__ == "__main__":
    main()
