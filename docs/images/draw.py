"""Draws the pictures of the README and of the front page anew, each by real runs: python docs/images/draw.py [report].

With the word `report` it also runs `edgewise demo moseley_ka1` and photographs its report in Chromium.
"""

from __future__ import annotations

import io
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from matplotlib.figure import Figure
from matplotlib.image import imread

import edgewise as ew
from edgewise.plots.mathtext import expression_mathtext
from edgewise.plots.style import SIZE_TITLE, THEMES, Theme, math_style, new_figure, text_style

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent / "_ext"))
from figures import in_page  # noqa: E402

DPI = 200
TITLE, GAP, FORMULA = 0.4, 0.55, 0.9


def main() -> None:
    """Train, simplify, find the formula; draw each stage, and all of them on one page, for light and dark screens."""
    rng = np.random.default_rng(0)
    X = rng.uniform(-1, 1, (1000, 2))
    y = np.exp(np.sin(np.pi * X[:, 0]) + X[:, 1] ** 2)
    trained = ew.fit(ew.KAN([2, 5, 1], seed=0, dtype=torch.float64), X, y, seed=0).network
    simplified = ew.simplify(trained, X, y, seed=0).network
    found = ew.find_formula(X, y, names=("x1", "x2"), seconds=30, seed=0)
    symbolic = ew.snap(simplified, X).network
    stages = {"trained": trained, "simplified": simplified, "closed forms": symbolic}
    for name, theme in THEMES.items():
        figures = {stage: ew.plots.plot_network(net, X, theme=name) for stage, net in stages.items()}
        ew.plots.save_figure(overview(figures, found.best.sympy, theme), HERE / f"demo-{name}.png", dpi=DPI)
    (HERE / "front-page.html").write_text(front_page(trained, symbolic, X))
    if "report" in sys.argv[1:]:
        photograph_report()


def front_page(trained: ew.KAN, symbolic: ew.KAN, X: np.ndarray) -> str:
    """The first and the last stage beside each other, as part of a page."""
    parts = [
        in_page(ew.plots.plot_network(net, X), f"front-{k}") for k, net in enumerate((trained, symbolic))
    ]
    return f'<div class="ew-front">{parts[0]}<span aria-hidden="true">→</span>{parts[1]}</div>\n'


def photograph_report() -> None:
    """The first screen of the report of `edgewise demo moseley_ka1`, light and dark."""
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        subprocess.run(
            [sys.executable, "-m", "edgewise.cli", "demo", "moseley_ka1", "--out", folder], check=True
        )
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        for theme in THEMES:
            size = {"width": 1180, "height": 940}
            page = browser.new_page(viewport=size, color_scheme=theme, device_scale_factor=1.5)
            page.goto((Path(folder) / "report.html").as_uri())
            page.screenshot(path=HERE / f"report-{theme}.png")
        browser.close()


def overview(figures: dict[str, Figure], formula: Any, theme: Theme) -> Figure:
    """The first stage on the left; on the right the others beneath each other, and the formula."""
    names = list(figures)
    sizes = {name: figure.get_size_inches() for name, figure in figures.items()}
    first, rest = names[0], names[1:]
    column = max(sizes[name][0] for name in rest)
    stack = sum(sizes[name][1] + TITLE for name in rest) + GAP * len(rest) + FORMULA
    width, height = sizes[first][0] + GAP + column, max(sizes[first][1] + TITLE, stack)
    page = new_figure(width, height, theme)

    def place(name: str, left: float, top: float) -> None:
        w, h = sizes[name]
        axes = page.add_axes((left / width, (top - TITLE - h) / height, w / width, h / height))
        axes.set_axis_off()
        axes.imshow(pixels(figures[name]), aspect="auto", interpolation="antialiased")
        style = text_style(theme, SIZE_TITLE, theme.muted)
        page.text((left + 0.12) / width, (top - 0.1) / height, name, ha="left", va="top", **style)

    place(first, 0.0, (height + sizes[first][1] + TITLE) / 2)
    left, top = sizes[first][0] + GAP, (height + stack) / 2
    for name in rest:
        place(name, left, top)
        top -= TITLE + sizes[name][1] + GAP
    at = ((left + column / 2) / width, (top - FORMULA / 2) / height)
    page.text(*at, f"$y = {expression_mathtext(formula)}$", ha="center", va="center", **math_style(theme, 18))
    return page


def pixels(figure: Figure) -> np.ndarray:
    """The figure as an image."""
    stream = io.BytesIO()
    figure.savefig(stream, format="png", dpi=2 * DPI)
    stream.seek(0)
    return imread(stream)


if __name__ == "__main__":
    main()
