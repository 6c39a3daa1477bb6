"""What shows results: drawings, pages and HTML.

They stand above the rooms of the results, and a result that shows itself must not know what is above it. The package as a
whole knows both: `edgewise` enters its views here by name, and none is loaded before it is called.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

VIEWS: dict[str, Callable[..., Any]] = {}
