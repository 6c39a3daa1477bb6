"""One self-contained HTML page from result objects."""

from edgewise._core.lazy import attach

__getattr__, __dir__ = attach(__name__)
