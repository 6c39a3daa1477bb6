"""Solutions in motion: a curve or a map, frame by frame along time, as GIF or MP4."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.animation import FFMpegWriter, PillowWriter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from edgewise._core.checks import check_choice, check_float, check_int
from edgewise._core.errors import InputError
from edgewise._core.files import PathLike, as_path, write_file
from edgewise.pde import Solution
from edgewise.pde.problem.problem import velocities
from edgewise.plots.solution import draw_map, scale, speed
from edgewise.plots.solution_panels import DrawnQuantity, PanelView, quantities, views
from edgewise.plots.style import (
    SIZE_SMALL,
    SIZE_TITLE,
    Theme,
    bare_axes,
    new_figure,
    text_style,
    theme_of,
)

FORMATS = (".gif", ".mp4")
_PLACES = 161
_WIDE, _TALL, _ROUND = 3.6, 2.7, 1.05
_DPI = 110


def animate_solution(
    solution: Solution,
    path: PathLike,
    unknown: str | None = None,
    *,
    frames: int = 60,
    seconds: float = 4.0,
    theme: str = "light",
    overwrite: bool = True,
) -> Path:
    """Write a solution in motion: curves over a coordinate of space, or a map over two, from the start to the end.

    Parameters
    ----------
    solution : Solution
        With a coordinate of time.
    path : str or path
        Ends in .gif, or in .mp4 where ffmpeg is installed.
    unknown : str, optional
        Which unknown; curves of all of them by default, and of a plane flow the speed.
    frames : int
        From 2 to 1000.
    seconds : float
        How long it takes.
    theme : "light" or "dark"
    overwrite : bool
        False refuses a path that exists.

    Returns
    -------
    Path

    Raises
    ------
    InputError
        Where there is no time, more than two coordinates of space, or the ending is not known.
    FileError
        Where the file cannot be written.

    Examples
    --------
    >>> from edgewise import pde
    >>> (x,), t = pde.coordinates("x"), pde.time()
    >>> u, rod = pde.unknown("u", x, t), pde.box({x: (0, 1), t: (0, 0.1)})
    >>> parts = rod.boundary
    >>> problem = pde.Problem(
    ...     rod,
    ...     [pde.dx(u, t) == pde.dx(u, x, 2)],
    ...     [pde.on(parts["walls"], u == 0), pde.on(parts["start"], u == pde.sin(pde.pi * x))],
    ... )
    >>> animate_solution(pde.solve(problem, 1e-3), "rod.gif", frames=3).name
    'rod.gif'
    """
    target = as_path(path)
    check_choice(target.suffix.lower(), "path", FORMATS)
    check_int(frames, "frames", low=2, high=1000)
    check_float(seconds, "seconds", low=0.1, high=600.0)
    look = theme_of(theme)
    domain = solution.problem.domain
    clock = domain.time
    if clock is None or len(domain.coordinates) > 3:
        raise InputError(
            "animate_solution needs a coordinate of time and one or two of space; draw others by plot_solution."
        )
    if target.suffix.lower() == ".mp4" and not FFMpegWriter.isAvailable():
        raise InputError(
            "Files that end in .mp4 need the program ffmpeg, which is not there; name a .gif instead."
        )
    name = domain.coordinates[clock].name
    shown = _shown(solution, unknown)
    times = np.linspace(*domain.bounds[clock], frames)
    seen = [views(solution.problem, {name: float(time)})[0] for time in times]
    width = _WIDE + (1.6 if len(seen[0].axes) == 2 else 1.0)
    figure = new_figure(width, _TALL + _ROUND, look)
    FigureCanvasAgg(figure)
    kind = _Gif if target.suffix.lower() == ".gif" else FFMpegWriter
    with tempfile.TemporaryDirectory() as folder:
        draft = Path(folder) / f"draft{target.suffix.lower()}"
        writer = kind(fps=max(round(frames / seconds), 1))
        with writer.saving(figure, str(draft), _DPI):
            for _ in _frames(figure, solution, shown, seen, name, look):
                writer.grab_frame(facecolor=look.ground)
        content = draft.read_bytes()
    return write_file(target, content, overwrite=overwrite)


class _Gif(PillowWriter):
    """Frames with the colours of the first, whose scale shows all of them: a palette of its own for each would flicker."""

    def finish(self) -> None:
        """Write the file."""
        kept: Any = getattr(self, "_frames")  # noqa: B009
        first, *others = (item.convert("RGB") for item in kept)
        start = first.quantize(256)
        frames = [other.quantize(palette=start, dither=0) for other in others]
        start.save(self.outfile, save_all=True, append_images=frames, duration=int(1000 / self.fps), loop=0)


def _shown(solution: Solution, unknown: str | None) -> list[DrawnQuantity]:
    flow = velocities(solution.problem) if unknown is None else None
    if flow is not None:
        return [speed(solution, flow)]
    made = quantities(solution, unknown, "values", None)
    if len(solution.problem.domain.coordinates) == 3 and len(made) > 1:
        raise InputError(argument="unknown", expected=f"name what to draw: {', '.join(solution.names)}")
    return made


def _frames(
    figure: Figure,
    solution: Solution,
    shown: list[DrawnQuantity],
    seen: list[PanelView],
    clock: str,
    look: Theme,
) -> Iterator[None]:
    """Draws one frame after the other into the figure; colours and limits are those of all of them."""
    problem = solution.problem
    bounds = problem.domain.bounds
    tables = [[view.values(quantity, bounds, _PLACES) for quantity in shown] for view in seen]
    low = min(float(np.nanmin(cell)) for row in tables for cell in row)
    high = max(float(np.nanmax(cell)) for row in tables for cell in row)
    margin = 0.05 * max(high - low, 1e-12)
    colours = scale(shown[0], [row[0] for row in tables], look)
    for view, row in zip(seen, tables, strict=True):
        figure.clear()
        axes = bare_axes(figure, (0.7, 0.55, _WIDE, _TALL), look, grid="both" if len(view.axes) == 1 else "")
        if len(view.axes) == 1:
            places = view.places(bounds, _PLACES)[view.axes[0]]
            for n, (quantity, values) in enumerate(zip(shown, row, strict=True)):
                colour = (look.numeric, look.symbolic, look.ink)[n % 3]
                axes.plot(places, values, color=colour, linewidth=1.8, label=quantity.name)
            axes.set_ylim(low - margin, high + margin)
            axes.set_xlabel(
                problem.domain.coordinates[view.axes[0]].name, **text_style(look, SIZE_SMALL, look.muted)
            )
            if len(shown) > 1:
                axes.legend(frameon=False, fontsize=SIZE_SMALL, labelcolor=look.ink, loc="upper right")
        else:
            image = draw_map(axes, view, row[0], colours, problem, look)
            axes.set_ylabel(
                problem.domain.coordinates[view.axes[1]].name, **text_style(look, SIZE_SMALL, look.muted)
            )
            width, height = figure.get_size_inches()
            strip = figure.add_axes(((0.85 + _WIDE) / width, 0.55 / height, 0.12 / width, _TALL / height))
            figure.colorbar(image, cax=strip).outline.set_visible(False)  # pyright: ignore[reportCallIssue]
            strip.tick_params(length=0, labelsize=SIZE_SMALL, labelcolor=look.muted)
        time = dict(view.fixed)[problem.domain.time or 0]
        words = f"{', '.join(quantity.name for quantity in shown)} at {clock} = {time:.3g}"
        wide, tall = figure.get_size_inches()
        figure.text(0.7 / wide, 1 - 0.28 / tall, words, va="center", **text_style(look, SIZE_TITLE))
        yield
