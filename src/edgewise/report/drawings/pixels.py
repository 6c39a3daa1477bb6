"""Pictures of pixels inside the page."""

from __future__ import annotations

import base64
import io
from typing import Any

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from edgewise._core.extras import need
from edgewise.report.text.svg import tag

# Small pictures are enlarged to about so many pixels a side, each of theirs to a whole number of them.
SIDE = 168


def pixels(array: NDArray[np.float64], words: str, *, side: int = SIDE, kind: str = "pixels") -> Markup:
    """An image of the page.

    Parameters
    ----------
    array : ndarray, shape (height, width, 3 or 4)
        Colours from 0 to 1.
    words : str
        What it shows, for screen readers.
    side : int
        Pixels of the longer side, about.
    kind : str
        Classes of the style sheet.
    """
    height, width = array.shape[:2]
    factor = max(1, side // max(height, width))
    source = f"data:image/png;base64,{base64.b64encode(_png(array)).decode('ascii')}"
    size: dict[str, Any] = {"width": width * factor, "height": height * factor}
    return tag("img", src=source, alt=words, class_=kind, **size)


def boxed(array: NDArray[np.float64], rows: slice, columns: slice, side: int = SIDE) -> NDArray[np.float64]:
    """A picture enlarged as it will be shown, with a frame around some of its pixels."""
    height, width = array.shape[:2]
    factor = max(1, side // max(height, width))
    large = array.repeat(factor, 0).repeat(factor, 1)
    top, bottom, left, right = (factor * end for end in (rows.start, rows.stop, columns.start, columns.stop))
    thick = max(1, factor // 8)
    for inset, colour in ((0, 0.0), (thick, 1.0)):
        box = (slice(top + inset, bottom - inset), slice(left + inset, right - inset))
        inner = (
            slice(top + inset + thick, bottom - inset - thick),
            slice(left + inset + thick, right - inset - thick),
        )
        kept = large[inner].copy()
        large[box] = colour
        large[inner] = kept
    return large


def _png(array: NDArray[np.float64]) -> bytes:
    image = need("PIL.Image", "images", "Pages with pictures")
    stream = io.BytesIO()
    image.fromarray((255 * array.clip(0, 1)).round().astype(np.uint8)).save(stream, "PNG", optimize=True)
    return stream.getvalue()
