"""Tables and colours on a terminal, whose texts cannot paint."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment

from edgewise._core.plain import visible
from edgewise.cli.terminal import KEPT


class _VisibleConsole(Console):
    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(visible(segment.text, KEPT), segment.style)


def console(*, err: bool = False, **settings: Any) -> Console:
    """Standard output, or standard error; of what is shown there, what is not seen stands as its code."""
    return _VisibleConsole(stderr=err, highlight=False, **settings)
